// The panels that list: the parts of the stack, the replicas, the decisions, the commands to try.

import { getText, sentence } from "/api.js";
import { $, age, clock, el, moment, number, plural, put, short } from "/dom.js";

// As many cards as there are parts, so that the first answer moves nothing.
const EXPECTED = ["node-exporter", "sample-app", "metrics-adapter", "hpa", "log-agent", "log-store"];
// What the row of slots has room for.
const MAX_SLOTS = 20;

const cards = new Map();
const pods = new Map();
let logOf = "";
let decisionsShown = "";
let commandsShown = "";

export function start() {
  EXPECTED.forEach(name => card(name));
  $("#log-refresh").addEventListener("click", () => showLog(logOf));
  $("#log-close").addEventListener("click", () => $("#log-dialog").close());
  addEventListener("decision", event => {
    const item = document.querySelector(`#decisions [data-time="${CSS.escape(event.detail)}"]`);
    item?.closest("details")?.setAttribute("open", "");
    item?.scrollIntoView({ block: "nearest" });
    item?.animate?.([{ backgroundColor: "var(--mark)" }, {}], 1500);
  });
}

export function update(state) {
  updateParts(state);
  updateReplicas(state.replicas);
  updateDecisions(state.decisions ?? []);
  updateCommands(state.try_it ?? []);
}

function card(name) {
  const one = { word: el("span", { class: "word" }), life: el("span"), address: el("span", { class: "muted" }), pid: el("span", { class: "muted pid" }), restarts: el("span", { class: "restarts" }) };
  one.root = el("li", { "data-part": name, "data-state": "unknown" },
    el("div", {}, el("i", { class: "dot" }), el("b", {}, name), el("span", { class: "muted push life" }, one.word, one.life)),
    el("div", {}, one.address, one.pid, one.restarts, el("button", { type: "button", class: "quiet push", "aria-label": `Show the log of ${name}`, onclick: () => showLog(name) }, "log")));
  cards.set(name, one);
  $("#parts").append(one.root);
  return one;
}

function updateParts({ parts, now }) {
  for (const [name, one] of cards) if (!parts.some(part => part.name === name)) { one.root.remove(); cards.delete(name); }
  for (const part of parts) {
    const one = cards.get(part.name) ?? card(part.name);
    one.root.dataset.state = part.state;
    one.root.title = part.detail ?? "";
    put(one.word, `${part.state} `);
    put(one.life, age(now - part.since, true));
    put(one.restarts, part.restarts > 0 ? `↻ ${part.restarts}` : "");
    one.restarts.title = plural(part.restarts, "restart");
    put(one.pid, part.pid === null ? "" : `pid ${part.pid}`);
    const address = part.address ?? part.detail ?? "";
    if (one.shown === address) continue;
    one.shown = address;
    const url = /^https?:/.test(address) && URL.canParse(address) ? new URL(address) : null;
    one.address.replaceChildren(url ? el("a", { href: address, target: "_blank", rel: "noopener" }, url.host) : address);
  }
}

export async function showLog(name) {
  logOf = name;
  put($("#log-title"), `Log of ${name}`);
  if (!$("#log-dialog").open) { put($("#part-log"), "…"); $("#log-dialog").showModal(); }
  const pre = $("#part-log");
  try {
    put(pre, (await getText(`/api/part-log?name=${encodeURIComponent(name)}`)) || "It has logged nothing yet.");
  } catch (error) {
    put(pre, `Its log cannot be shown: ${sentence(error)}`);
  }
  pre.scrollTop = pre.scrollHeight;
}

function updateReplicas({ spec, ready, min, max, pods: list }) {
  put($("#replica-count"), number(spec));
  put($("#replica-ready"), ready === spec ? "all ready" : `${number(ready)} ready`);
  put($("#replica-bounds"), `min ${min} · max ${max}`);
  const slots = $("#replica-slots");
  const wanted = Math.min(MAX_SLOTS, Math.max(max, spec));
  while (slots.children.length < wanted) slots.append(el("i"));
  while (slots.children.length > wanted) slots.lastChild.remove();
  [...slots.children].forEach((slot, index) => { slot.className = index < ready ? "ready" : index < spec ? "coming" : ""; });
  const highest = Math.max(1, ...list.map(pod => pod.rate ?? 0));
  for (const [name, pod] of pods) if (!list.some(one => one.name === name)) { pod.root.remove(); pods.delete(name); }
  for (const pod of list) {
    const row = pods.get(pod.name) ?? podRow(pod.name);
    const state = pod.terminating ? "terminating" : pod.ready ? "ready" : "starting";
    row.root.dataset.state = state;
    put(row.pid, pod.pid === null ? "–" : String(pod.pid));
    put(row.state, state);
    put(row.rate, short(pod.rate));
    row.rate.style.setProperty("--share", `${(100 * (pod.rate ?? 0)) / highest}%`);
    row.rate.title = `${number(pod.requests)} requests so far`;
  }
}

function podRow(name) {
  const row = { pid: el("td", { class: "num muted" }), state: el("td", { class: "state" }), rate: el("td", { class: "num rate" }) };
  row.root = el("tr", {}, el("td", { class: "name", title: name }, name), row.pid, row.state, row.rate);
  pods.set(name, row);
  $("#pods").append(row.root);
  return row;
}

// Checks that changed nothing, one after the other, fold into one line.
function updateDecisions(decisions) {
  const newest = decisions.toSorted((a, b) => moment(b.time) - moment(a.time));
  const signature = `${newest[0]?.time}/${newest.length}`;
  if (signature === decisionsShown) return;
  decisionsShown = signature;
  const list = $("#decisions");
  const open = new Set([...list.querySelectorAll("details[open]")].map(node => node.dataset.key));
  const focused = document.activeElement?.closest?.("#decisions details")?.dataset.key;
  const items = [];
  for (const one of newest) {
    const same = one.desired === one.current && !one.error;
    const group = items.at(-1);
    if (same && group?.same) group.all.push(one);
    else items.push({ same, all: [one] });
  }
  list.replaceChildren(...items.map(({ same, all }) => (same ? folded(all, open) : decisionItem(all[0]))));
  if (items.length === 0) list.append(el("li", { class: "empty" }, "The HPA has not decided anything yet."));
  list.querySelector(`details[data-key="${CSS.escape(focused ?? "")}"] > summary`)?.focus({ preventScroll: true });
  const changes = newest.filter(one => one.desired !== one.current).length;
  put($("#decision-count"), `${plural(changes, "change")} in ${plural(newest.length, "check")}`);
}

function folded(all, open) {
  const key = String(all.at(-1).time);
  return el("li", { class: "folded" },
    el("details", { "data-key": key, open: open.has(key) },
      el("summary", {}, el("time", {}, clock(all[0].time)), el("span", { class: "muted" }, `stays ${all[0].current}` + (all.length > 1 ? `, ${all.length} checks` : "")), el("span", { class: "why" }, all[0].why ?? "")),
      el("ol", {}, ...all.map(decisionItem))));
}

// What a condition says when nothing is wrong.
const FINE = { AbleToScale: "True", ScalingActive: "True", ScalingLimited: "False" };

function decisionItem(one) {
  const direction = one.error ? "failed" : one.desired > one.current ? "up" : one.desired < one.current ? "down" : "same";
  const badges = (one.conditions ?? []).map(({ type, status, reason, message }) => {
    const fine = (FINE[type] ?? status) === status;
    return el("span", { class: `badge ${fine ? "" : "warn"}`, title: `${type} is ${status}, ${reason}: ${message}` }, fine ? type : `${type}: ${reason}`);
  });
  return el("li", { class: direction, "data-time": one.time },
    el("div", {}, el("time", {}, clock(one.time)), el("b", { class: "change" }, direction === "same" ? String(one.current) : `${one.current} → ${one.desired}`), el("span", { class: "reason" }, one.reason ?? "")),
    el("p", {}, one.why ?? ""), one.error && el("p", { class: "error" }, one.error), badges.length > 0 && el("p", { class: "badges" }, ...badges));
}

function updateCommands(commands) {
  const signature = JSON.stringify(commands);
  if (signature === commandsShown) return;
  commandsShown = signature;
  $("#try").replaceChildren(...commands.map(({ title, command }) => {
    const text = el("code", { "data-scrolls": "", tabindex: 0 }, command);
    const button = el("button", { type: "button", "aria-label": `Copy: ${title}`, onclick: () => copy(command, text, button) }, "Copy");
    return el("li", {}, el("p", {}, title), el("div", {}, text, button));
  }));
}

async function copy(command, text, button) {
  try {
    await navigator.clipboard.writeText(command);
    put(button, "Copied");
  } catch {
    // Without the right to the clipboard the reader copies what is marked for them.
    getSelection().selectAllChildren(text);
    put(button, "Ctrl-C");
  }
  setTimeout(() => put(button, "Copy"), 1500);
}

// One sentence of what happens now.
export function narrate({ load, metric, replicas, decisions, now }) {
  const phase = load.phases[load.phase_index];
  const source = { script: `The script is in “${load.phase}”, ${number(load.phase_elapsed)} of ${number(phase?.seconds)} s`, manual: "The load is set by hand", paused: "The load is paused" }[load.mode];
  const seen = metric === null ? "the HPA has no metric yet" : `the HPA sees ${short(metric.number)} against a target of ${short(metric.target)}`;
  const last = decisions?.filter(one => one.desired !== one.current).reduce((a, b) => (a && moment(a.time) > moment(b.time) ? a : b), null);
  const change = last ? `; last change ${last.current} → ${last.desired}, ${age(now - moment(last.time))} ago` : "";
  return `${source}: ${short(load.rate)} req/s on ${plural(replicas.ready, "replica")}; ${seen}${change}.`;
}
