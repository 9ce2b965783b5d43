// Line charts of the history on one shared time axis, with one shared cursor. It draws; what is drawn says the caller.

import { clock, svg } from "/dom.js";

// As many rows as the server keeps: a quarter of an hour.
const MAX_ROWS = 900;
// A line across a longer silence would claim values that nobody measured.
const GAP_MS = 5000;
const HEADROOM = 1.05;
export const MARKS_PX = 26;
const TIME_STEPS_S = [5, 10, 15, 30, 60, 120, 300];

// One row a second, and where in time the reader looks (`cursor`, null for "now").
export const history = {
  rows: [],
  columns: {},
  range: 300_000,
  cursor: null,
  watchers: [],

  merge(answer) {
    this.columns = Object.fromEntries(answer.columns.map((name, index) => [name, index]));
    const last = this.latest();
    this.rows.push(...answer.rows.filter(row => row[0] > last));
    this.rows.splice(0, this.rows.length - MAX_ROWS);
  },
  latest() { return this.rows.at(-1)?.[0] ?? 0; },
  // The first minutes fill the chart instead of hiding in its corner.
  span() {
    const to = this.latest() || Date.now();
    return { from: to - Math.min(this.range, Math.max(60_000, to - (this.rows[0]?.[0] ?? to))), to };
  },
  value(row, column) { return row?.[this.columns[column]] ?? null; },
  // The row under the cursor, or the newest.
  current() {
    if (this.cursor === null) return this.rows.at(-1);
    const next = this.rows.findIndex(row => row[0] >= this.cursor);
    if (next <= 0) return this.rows.at(next);
    return this.rows[next][0] - this.cursor < this.cursor - this.rows[next - 1][0] ? this.rows[next] : this.rows[next - 1];
  },
  look(time) {
    this.cursor = time;
    this.watchers.forEach(watcher => watcher());
  },
};

// The next round number up: a scale that follows every sample would never stand still.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find(step => step * power >= value * 0.999);
}

// A series: {column, tone, shape: "line" | "step", filled}. A pane: {share, series, floor, max(), ticks(max), format}.
export class Chart {
  constructor(host, panes, { gutter = 0, times = false, right = 6 } = {}) {
    Object.assign(this, { host, panes, gutter, times, right, width: 0, height: 0 });
    this.root = svg("svg", { "aria-hidden": "true" });
    this.axes = svg("g", { class: "axes" });
    this.root.append(this.axes);
    for (const pane of panes) {
      for (const series of pane.series) {
        series.area = series.filled ? svg("path", { class: `area ${series.tone}` }) : null;
        series.line = svg("path", { class: `line ${series.tone}` });
        series.dot = svg("circle", { class: `dot ${series.tone}`, r: 3.5 });
        this.root.append(...[series.area, series.line].filter(Boolean));
      }
    }
    this.hair = svg("line", { class: "hair", visibility: "hidden" });
    this.root.append(this.hair, ...panes.flatMap(pane => pane.series.map(series => series.dot)));
    host.append(this.root);
    new ResizeObserver(([{ contentRect: { width, height } }]) => {
      Object.assign(this, { width, height });
      this.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.draw();
    }).observe(host);
    host.addEventListener("pointermove", event => history.look(this.time(event.clientX - host.getBoundingClientRect().left)));
    host.addEventListener("pointerleave", () => history.look(null));
    history.watchers.push(() => this.point());
  }

  x(time) {
    const { from, to } = this.span;
    return this.gutter + ((time - from) / (to - from)) * (this.width - this.gutter - this.right);
  }

  time(x) {
    const { from, to } = this.span ?? history.span();
    const share = (x - this.gutter) / (this.width - this.gutter - this.right);
    return from + Math.min(1, Math.max(0, share)) * (to - from);
  }

  draw() {
    if (this.width < 20 || this.height < 10 || this.root.clientWidth === 0) return;
    this.span = history.span();
    const first = history.rows.findIndex(row => row[0] >= this.span.from);
    const rows = first < 0 ? [] : history.rows.slice(Math.max(0, first - 1));
    this.axes.replaceChildren();
    const bottom = this.height - (this.times ? 20 : 1);
    let top = this.times ? 8 : 3;
    const room = bottom - top;
    for (const pane of this.panes) {
      const end = top + room * pane.share;
      // Between two panes there is room for the marks.
      this.drawPane(pane, rows, top, end < bottom - 1 ? end - MARKS_PX : bottom);
      top = end;
    }
    if (this.times) this.drawTimes(bottom);
    this.point();
  }

  drawPane(pane, rows, top, bottom) {
    const highest = pane.series.reduce((most, { column }) =>
      rows.reduce((so, row) => Math.max(so, history.value(row, column) ?? 0), most), pane.floor);
    const max = pane.max?.(highest) ?? roundUp(highest * HEADROOM);
    pane.top = top;
    pane.bottom = bottom;
    pane.y = value => bottom - (Math.min(value, max) / max) * (bottom - top);
    for (const value of pane.ticks?.(max) ?? []) {
      const y = Math.round(pane.y(value)) + 0.5;
      this.axes.append(svg("line", { class: value === 0 ? "base" : "grid", x1: this.gutter, x2: this.width - this.right, y1: y, y2: y }));
      if (this.gutter > 0) this.axes.append(svg("text", { x: this.gutter - 8, y: y + 3.5, "text-anchor": "end" }, pane.format(value)));
    }
    for (const band of pane.bands?.() ?? []) {
      const from = pane.y(band.to);
      this.axes.append(svg("rect", { class: "band", x: this.gutter, width: this.width - this.gutter - this.right, y: from, height: Math.max(0, pane.y(band.from) - from) }));
    }
    for (const series of pane.series) this.drawSeries(series, rows, pane);
  }

  drawSeries({ column, shape, line, area }, rows, pane) {
    const pieces = [];
    let before = -Infinity;
    for (const row of rows) {
      const value = history.value(row, column);
      if (value === null) { before = -Infinity; continue; }
      const x = Math.max(this.gutter, this.x(row[0])).toFixed(1), y = pane.y(value).toFixed(1);
      if (row[0] - before > GAP_MS) pieces.push({ start: x, end: x, d: `M${x} ${y}` });
      else { pieces.at(-1).d += shape === "step" ? `H${x}V${y}` : `L${x} ${y}`; pieces.at(-1).end = x; }
      before = row[0];
    }
    line.setAttribute("d", pieces.map(piece => piece.d).join(""));
    area?.setAttribute("d", pieces.map(({ start, end, d }) => `${d}L${end} ${pane.bottom}L${start} ${pane.bottom}Z`).join(""));
  }

  drawTimes(bottom) {
    const { from, to } = this.span;
    const room = (this.width - this.gutter - this.right) / 84;
    const step = 1000 * (TIME_STEPS_S.find(seconds => (to - from) / 1000 / seconds <= room) ?? 600);
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
      const x = this.x(time);
      const text = step < 60_000 ? clock(time) : clock(time).slice(0, 5);
      this.axes.append(svg("line", { class: "tick", x1: x, x2: x, y1: bottom, y2: bottom + 4 }));
      // The outermost labels would be cut at the edge.
      if (x > this.gutter + 16 && x < this.width - 26) this.axes.append(svg("text", { x, y: bottom + 16, "text-anchor": "middle" }, text));
    }
  }

  // The cursor, on every chart at once.
  point() {
    if (!this.span) return;
    const row = history.cursor === null ? null : history.current();
    const shown = row && row[0] >= this.span.from;
    this.hair.setAttribute("visibility", shown ? "visible" : "hidden");
    const x = shown ? this.x(row[0]) : 0;
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: this.panes[0].top, y2: this.panes.at(-1).bottom })) this.hair.setAttribute(name, value ?? 0);
    for (const pane of this.panes) {
      for (const { column, dot } of pane.series) {
        const value = shown ? history.value(row, column) : null;
        dot.setAttribute("visibility", value === null ? "hidden" : "visible");
        if (value !== null) { dot.setAttribute("cx", x); dot.setAttribute("cy", pane.y(value)); }
      }
    }
  }
}
