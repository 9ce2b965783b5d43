// The page of `binnacle up`: asks the server once a second and hands each answer to the panels. Says so, loudly, when a
// part or the server itself is gone.

import { getJson, sentence } from "/api.js";
import { history } from "/chart.js";
import { $, age, bytes, clock, el, number, percent, plural, put } from "/dom.js";
import * as load from "/load.js";
import * as logs from "/logs.js";
import * as panels from "/panels.js";
import * as story from "/story.js";

const POLL_MS = 1000;
// One lost answer is a hiccup; this many in a row are an outage.
const LOST_ANSWERS = 2;
// A metric needs a few scrapes; until then its absence is no fault.
const SETTLE_MS = 20_000;

// What a reader can still rely on while a part is away.
const STILL = {
  "node-exporter": "Scaling and logs go on; the charts of this machine stand still.",
  "sample-app": "The rest of the stack works; the replicas are started again.",
  "metrics-adapter": "The application is served and logs flow; the HPA keeps the replicas as they are until the metric is back.",
  hpa: "The application is served, metrics and logs flow; the number of replicas stays as it is.",
  "log-agent": "Scaling goes on; lines wait in the containers' files and are shipped when it is back.",
  "log-store": "Scaling goes on; the agent keeps its place and sends the lines when the store is back. Search does not work.",
};

let state = null;
let arrived = 0;
let lost = 0;
let lostSince = 0;
let reason = "";
let bannerShown = "";

function troubles() {
  if (lost >= LOST_ANSWERS) {
    const seen = state ? `What you see is from ${clock(arrived)}.` : "";
    return [{ what: `No answer from ${location.host}`, since: lostSince, now: Date.now(), why: reason, rest: `${seen} This page goes on asking; if the stack was ended, start it again with: binnacle` }];
  }
  if (!state) return [];
  const { parts, logs: { error }, metric, now, started } = state;
  const down = parts.filter(part => part.state === "down").map(({ name, since, detail, restarts }) => ({
    what: `${name} is down`, since, now, why: detail, log: name,
    rest: `${restarts > 0 ? `Started again ${restarts === 1 ? "once" : `${restarts} times`}. ` : ""}${STILL[name] ?? "The other parts go on."}`,
  }));
  if (error && !down.some(one => /^log-/.test(one.log))) down.push({ mild: true, what: "The log agent cannot ship", why: error, log: "log-agent", rest: "No line is lost: it keeps its place in the files and tries again." });
  if (metric?.error && now - started > SETTLE_MS && !down.some(one => one.log === "metrics-adapter")) down.push({ mild: true, what: "The HPA has no fresh metric", why: metric.error, log: "metrics-adapter", rest: "The number of replicas stays as it is." });
  return down;
}

function level(list) {
  if (lost >= LOST_ANSWERS) return ["gone", "No answer"];
  if (!state) return ["unknown", "Connecting…"];
  const down = state.parts.filter(part => part.state === "down").length;
  if (down > 0) return ["down", `${plural(down, "part")} down`];
  if (list.length > 0) return ["degraded", "Degraded"];
  return state.parts.every(part => part.state === "up") ? ["up", "All parts up"] : ["starting", "Starting"];
}

function showHealth() {
  const list = troubles();
  const [name, text] = level(list);
  $("#state").dataset.level = name;
  put($("#state"), text);
  document.documentElement.classList.toggle("stale", name === "gone");
  const numbers = state ? `${plural(state.replicas.spec, "replica")} · ${number(state.load.rate)} req/s · ` : "";
  document.title = `${["up", "unknown"].includes(name) ? "" : `${text} · `}${numbers}Binnacle`;
  showBanner(list);
}

// Rebuilt only when it says something else, so that a screen reader hears it once.
function showBanner(list) {
  const banner = $("#banner");
  const signature = JSON.stringify(list.map(({ what, since, why, rest }) => [what, since, why, rest]));
  if (signature !== bannerShown) {
    bannerShown = signature;
    banner.hidden = list.length === 0;
    banner.classList.toggle("mild", list.every(one => one.mild));
    banner.replaceChildren(...list.map(({ what, since, why, rest, log }) => el("p", {},
      el("b", {}, what), since ? el("span", {}, ` since ${clock(since)}`, el("span", { class: "age", "aria-live": "off" })) : null,
      why ? `: ${why.replace(/[.\s]+$/, "")}. ` : ". ", el("span", {}, rest, " "),
      log ? el("button", { type: "button", onclick: () => panels.showLog(log) }, "Show its log") : null)));
  }
  const ages = banner.querySelectorAll(".age");
  list.filter(one => one.since).forEach(({ since, now }, index) => put(ages[index], ` (${age(now - since)})`));
}

function showState() {
  const { now, started, version, exporter, stack } = state;
  put($("#version"), version ? `v${version}` : "");
  put($("#uptime"), `up ${age(now - started)}`);
  put($("#host-cost"), `scrape ${number(exporter?.scrape_ms, 1)} ms · ${bytes(exporter?.rss_bytes)}`);
  put($("#footer"), `The whole stack takes ${bytes(stack?.rss_bytes)} of memory and ${percent(stack?.cpu_percent)} of one core; node-exporter ${bytes(exporter?.rss_bytes)} and ${number(exporter?.cpu_ms_per_scrape, 2)} ms of CPU a scrape.`);
  put($("#story-line"), panels.narrate(state));
  panels.update(state);
  load.update(state.load);
  logs.update(state);
  story.update(state);
}

async function poll() {
  const begun = Date.now();
  const [next, rows] = await Promise.all([getJson("/api/state"), getJson(`/api/history?since=${history.latest()}`)]).catch(error => {
    lost += 1;
    if (lost === 1) lostSince = begun;
    reason = error instanceof TypeError ? "" : sentence(error);
    return [];
  });
  setTimeout(poll, Math.max(100, POLL_MS - (Date.now() - begun)));
  if (next) {
    // Another start of the stack is another story.
    if (state && next.started !== state.started) history.rows.length = 0;
    else history.merge(rows);
    state = next;
    arrived = Date.now();
    lost = 0;
    showState();
  }
  showHealth();
}

panels.start();
story.start();
load.start();
logs.start();
poll();
