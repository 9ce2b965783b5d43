// The main chart: load, the metric as the HPA sees it, its target, the replicas, and a mark on every scale decision. And
// the small charts of this machine, on the same time axis.

import { Chart, MARKS_PX, history } from "/chart.js";
import { $, bytes, clock, el, moment, number, percent, put, short } from "/dom.js";

const RANGES = [["1 min", 60_000], ["5 min", 300_000], ["15 min", 900_000]];
// Arrow keys move the cursor this far; with Shift ten times.
const KEY_STEP_MS = 1000;
// Labels of marks nearer than this would cover each other.
const MARK_ROOM_PX = 42;

const legend = [
  { tone: "load", label: "Offered load", column: "load", unit: "req/s", format: short },
  { tone: "metric", label: "Metric the HPA sees", column: "metric", format: short },
  { tone: "target", label: "Target", column: "target", format: short },
  { tone: "replicas", label: "Replicas", column: "replicas", format: number },
];
const small = [
  { label: "CPU", max: 100, series: [["cpu_percent", "a", percent]] },
  { label: "Load average, 1 min", floor: 1, series: [["load1", "a", value => number(value, 2)]] },
  { label: "Memory", top: "memory_total", series: [["memory_used", "a", value => `${bytes(value)} of ${bytes(history.value(history.rows.at(-1), "memory_total"))}`]] },
  { label: "Network", floor: 1024, series: [["net_rx", "a", value => `↓ ${bytes(value, "/s")}`], ["net_tx", "b", value => `↑ ${bytes(value, "/s")}`]] },
  { label: "Disk", floor: 1024, series: [["disk_read", "a", value => `R ${bytes(value, "/s")}`], ["disk_write", "b", value => `W ${bytes(value, "/s")}`]] },
  { label: "Log lines", floor: 1, series: [["log_rate", "a", value => `${short(value)}/s`], ["lag_lines", "b", value => `lag ${short(value)}`]] },
];

let state = null;
let chart = null;
const marks = new Map();

function quarters(max) {
  const step = max / (max % 3 === 0 && max % 4 !== 0 ? 3 : 4);
  return Array.from({ length: Math.round(max / step) + 1 }, (_, index) => index * step);
}

export function start() {
  buildLegend();
  const host = $("#story-chart");
  const rates = {
    share: 0.72, floor: 10, ticks: quarters, format: short, bands: tolerance,
    series: [
      { column: "load", tone: "load", filled: true },
      { column: "target", tone: "target" },
      { column: "metric", tone: "metric" },
    ],
  };
  const replicas = {
    share: 0.28, floor: 1, format: number,
    max: highest => Math.max(highest, state?.replicas?.max ?? 1),
    ticks: max => [...new Set([0, state?.replicas?.min ?? 0, max])],
    series: [{ column: "ready", tone: "ready", shape: "step", filled: true }, { column: "replicas", tone: "replicas", shape: "step" }],
  };
  chart = new Chart(host, [rates, replicas], { gutter: 38, times: true, right: 10 });
  host.append(el("div", { class: "marks" }), el("div", { class: "tip", role: "tooltip", id: "tip", hidden: true }), cursor(host));
  for (const spec of small) buildSmall(spec);
  history.watchers.push(readout);
}

// The controller's tolerance, when the server tells it.
function tolerance() {
  const { target, tolerance } = state?.metric ?? {};
  return target && tolerance ? [{ from: target * (1 - tolerance), to: target * (1 + tolerance) }] : [];
}

function buildLegend() {
  for (const item of legend) {
    item.value = el("b", {}, "–");
    item.note = el("span", { class: "muted" }, item.unit ?? "");
    $("#legend").append(el("div", { class: `item ${item.tone}` }, el("span", { class: "label" }, item.label), el("span", {}, item.value, " ", item.note)));
  }
  const ranges = RANGES.map(([label, range]) => {
    const button = el("button", { type: "button", "aria-pressed": String(range === history.range), onclick: () => {
      history.range = range;
      ranges.forEach(other => other.setAttribute("aria-pressed", String(other === button)));
      redraw();
    } }, label);
    return button;
  });
  $("#legend").append(el("div", { class: "ranges push", role: "group", "aria-label": "Time shown" }, ...ranges));
}

// The cursor by keyboard, with what it stands on read aloud.
function cursor(host) {
  const slider = el("div", { class: "cursor", role: "slider", tabindex: 0, "aria-label": "Time cursor of all charts", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 100 });
  slider.addEventListener("keydown", event => {
    const step = { ArrowLeft: -KEY_STEP_MS, ArrowRight: KEY_STEP_MS }[event.key];
    const { from, to } = history.span();
    if (event.key === "Escape" || event.key === "End") history.look(null);
    else if (event.key === "Home") history.look(from);
    else if (step) history.look(Math.min(to, Math.max(from, (history.cursor ?? to) + step * (event.shiftKey ? 10 : 1))));
    else return;
    event.preventDefault();
    slider.setAttribute("aria-valuenow", Math.round((100 * ((history.cursor ?? to) - from)) / (to - from)));
    slider.setAttribute("aria-valuetext", `${clock(history.current()?.[0])}: ` + legend.map(({ label, value }) => `${label} ${value.textContent}`).join(", "));
  });
  slider.addEventListener("blur", () => history.look(null));
  host.addEventListener("pointerleave", () => slider.blur());
  return slider;
}

function buildSmall(spec) {
  const series = spec.series.map(([column, tone, format]) => ({ column, tone, format, filled: tone === "a", value: el("span", { class: `value ${tone}` }, "–") }));
  const plot = el("div", { class: "plot" });
  $("#host").append(el("div", { class: "small" }, el("h3", {}, spec.label), el("p", {}, ...series.map(one => one.value)), plot));
  const max = spec.max ? () => spec.max : spec.top ? () => history.value(history.rows.at(-1), spec.top) ?? 1 : undefined;
  Object.assign(spec, { drawn: series, chart: new Chart(plot, [{ share: 1, series, floor: spec.floor ?? 1, max, ticks: () => [0] }], { right: 1 }) });
}

// The values at the cursor, or the newest, in the legend and beside the small charts.
function readout() {
  const row = history.current();
  const past = history.cursor !== null && row;
  for (const { value, note, column, unit, tone, format } of legend) {
    put(value, format(history.value(row, column)));
    if (tone === "metric") put(note, past ? `at ${clock(row[0])}` : state?.metric?.window_seconds ? `rate over ${state.metric.window_seconds} s` : "not yet");
    else if (tone === "replicas") put(note, past ? "" : `of ${state?.replicas?.max ?? "–"} at most`);
    else put(note, unit ?? "");
  }
  for (const { drawn } of small) for (const { value, format, column } of drawn) put(value, format(history.value(row, column)));
}

export function redraw() {
  chart.draw();
  small.forEach(spec => spec.chart.draw());
  readout();
  if (state && chart.span) drawMarks();
}

export function update(next) {
  state = next;
  redraw();
}

// A mark a scale decision; they stay the same elements, so that focus and pointer stay on them.
function drawMarks() {
  const layer = $("#story-chart .marks");
  const changes = (state.decisions ?? []).filter(one => one.desired !== one.current && moment(one.time) >= chart.span.from);
  const there = new Set(changes.map(one => one.time));
  for (const [time, mark] of marks) if (!there.has(time)) { mark.remove(); marks.delete(time); }
  let last = -Infinity;
  for (const one of changes.toSorted((a, b) => moment(a.time) - moment(b.time))) {
    if (!marks.has(one.time)) {
      const mark = buildMark(one);
      marks.set(one.time, mark);
      layer.append(mark);
    }
    const x = Math.min(chart.x(moment(one.time)), chart.width - chart.right);
    const mark = marks.get(one.time);
    mark.style.left = `${x}px`;
    mark.style.setProperty("--drop", `${chart.panes[1].top - MARKS_PX + 5}px`);
    mark.classList.toggle("bare", x - last < MARK_ROOM_PX);
    if (x - last >= MARK_ROOM_PX) last = x;
  }
}

function buildMark(decision) {
  const change = `${decision.current} → ${decision.desired}`;
  const direction = decision.error ? "failed" : decision.desired > decision.current ? "up" : "down";
  const mark = el("button", { type: "button", class: `mark ${direction}`, "aria-describedby": "tip", "aria-label": `${clock(decision.time)}: ${change}` }, el("span", {}, change));
  const show = () => {
    const tip = $("#tip");
    tip.replaceChildren(el("b", {}, `${change} at ${clock(decision.time)}`), el("p", {}, decision.why ?? ""), el("p", { class: "muted" }, decision.error ?? decision.reason ?? ""));
    tip.hidden = false;
    const left = parseFloat(mark.style.left) - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, chart.width - tip.offsetWidth))}px`;
  };
  const hide = () => { $("#tip").hidden = true; };
  for (const [event, handler] of [["pointerenter", show], ["focus", show], ["pointerleave", hide], ["blur", hide]]) mark.addEventListener(event, handler);
  mark.addEventListener("click", () => dispatchEvent(new CustomEvent("decision", { detail: decision.time })));
  return mark;
}
