// The log search: a query, its newest hits, and the books of the agent and the store.

import { getJson, sentence } from "/api.js";
import { $, clock, el, number, plural, put } from "/dom.js";

const SIZE = 50;
// Typing pauses this long before a search starts; a live tail asks again this often.
const TYPING_MS = 250;
const TAIL_MS = 1000;
// Fields of a line that is itself JSON, which the row shows elsewhere or which repeat the time.
const ELSEWHERE = new Set(["time", "ts", "timestamp", "level", "msg", "message"]);

let timer = 0;
let asked = 0;
let shown = null;
const rows = new Map();

export function start() {
  $("#search-form").addEventListener("submit", event => { event.preventDefault(); search(); });
  $("#search").addEventListener("input", () => again(TYPING_MS));
  $("#tail").addEventListener("change", search);
  for (const hint of document.querySelectorAll(".query")) hint.addEventListener("click", () => { $("#search").value = hint.textContent; search(); });
  addEventListener("keydown", event => {
    if (event.key !== "/" || event.target.matches("input, textarea, select") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    $("#search").focus();
  });
  search();
}

function again(delay) {
  clearTimeout(timer);
  timer = setTimeout(search, delay);
}

// New rows must not move lines that someone reads or marks.
function reading() {
  const selection = getSelection();
  return $("#hits").scrollTop > 4 || $("#hits details[open]") !== null || (!selection.isCollapsed && $("#hits").contains(selection.anchorNode));
}

async function search() {
  const query = $("#search").value.trim();
  const turn = ++asked;
  clearTimeout(timer);
  try {
    const answer = await getJson(`/api/search?q=${encodeURIComponent(query)}&size=${SIZE}`);
    // A slow answer to an older question is no answer.
    if (turn !== asked) return;
    note(answer.error ?? `${plural(answer.total, "line")}`, Boolean(answer.error));
    show(query, answer.hits ?? [], Boolean(answer.error));
  } catch (error) {
    if (turn !== asked) return;
    note(sentence(error), true);
  }
  if ($("#tail").checked) timer = setTimeout(follow, TAIL_MS);
}

function follow() {
  if (document.hidden || reading()) timer = setTimeout(follow, TAIL_MS);
  else search();
}

function note(text, bad) {
  put($("#search-note"), text);
  $("#search-note").classList.toggle("error", bad);
}

function show(query, hits, failed) {
  if (query !== shown) rows.clear();
  shown = query;
  const terms = words(query);
  const seen = new Map();
  const list = hits.map(hit => {
    const text = [hit.time, hit.pod, hit.stream, hit.message].join("\u0000");
    // The same line twice in the same nanosecond is two lines.
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    const key = `${times}\u0000${text}`;
    return [key, rows.get(key) ?? row(hit, terms)];
  });
  rows.clear();
  list.forEach(([key, node]) => rows.set(key, node));
  const empty = failed ? "Nothing was searched." : query === "" ? "No log line is stored yet." : "No line matches.";
  $("#hits").replaceChildren(...(list.length > 0 ? list.map(([, node]) => node) : [el("li", { class: "empty" }, empty)]));
}

// The plain words of a query, to mark them in the lines.
function words(query) {
  const plain = query.match(/"[^"]+"|\S+/g) ?? [];
  return plain.map(word => word.replace(/^[+-]?([\w.]+:)?/, "").replace(/["()*]/g, "")).filter(word => word.length > 1 && !/^(AND|OR|NOT)$/.test(word));
}

function marked(text, terms) {
  if (terms.length === 0) return [text];
  const pattern = new RegExp(`(${terms.map(term => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
  return text.split(pattern).map((part, index) => (index % 2 === 1 ? el("mark", {}, part) : part));
}

// A line that is JSON reads as a sentence and its fields; opened, every line shows as it was written.
function row(hit, terms) {
  const message = String(hit.message ?? "");
  let fields = null;
  try { fields = message.startsWith("{") ? JSON.parse(message) : null; } catch { }
  const level = String(fields?.level ?? "").toLowerCase();
  const tone = /err|fatal|panic/.test(level) || (fields === null && /\berror\b/i.test(message)) ? "error" : /warn/.test(level) ? "warn" : "";
  const rest = Object.entries(fields ?? {}).filter(([name]) => !ELSEWHERE.has(name)).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`).join("  ");
  const head = fields === null ? message : String(fields.msg ?? fields.message ?? "");
  return el("li", { class: tone },
    el("details", {},
      el("summary", {}, el("time", { datetime: hit.time }, clock(hit.time)), el("span", { class: "pod", title: hit.pod }, ...marked(String(hit.pod ?? ""), terms)),
        el("span", { class: `stream ${hit.stream}` }, hit.stream), el("span", { class: "line" }, ...marked(head, terms), rest && el("span", { class: "fields" }, ...marked(rest, terms)))),
      el("pre", {}, `${hit.time}  ${hit.pod}  ${hit.stream}\n${message}`)));
}

export function update(state) {
  const { written, stored, lag_lines: lag, lag_seconds: seconds } = state.logs;
  const way = lag > 0 ? `${plural(lag, "line")} on the way${seconds === null ? "" : `, ${number(seconds, 1)} s`}` : "nothing on the way";
  put($("#books"), `${number(written)} written ${written === stored ? "=" : "·"} ${number(stored)} stored · ${way}`);
  $("#books").classList.toggle("ok", written === stored);
  const pod = state.replicas?.pods?.[0]?.name;
  if (pod) put($("#pod-query"), `kubernetes.pod:${pod}`);
}
