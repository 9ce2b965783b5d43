// The load generator: where its script stands, and the controls that change it.

import { postJson, sentence } from "/api.js";
import { $, el, number, put, short, svg } from "/dom.js";

// A slider is sent once it rests this long, not at every pixel.
const REST_MS = 120;

let load = null;
let profile = "";
// Changes go out one after the other, in the order in which they were made.
let sending = Promise.resolve();
let pending = 0;
let rest = 0;

export function start() {
  $("#load-mode").addEventListener("change", event => send(to(event.target.value)));
  $("#load-toggle").addEventListener("click", () => send(to(load?.mode === "paused" ? "script" : "paused")));
  $("#load-restart").addEventListener("click", () => send({ mode: "script", restart: true }));
  $("#load-multiplier").addEventListener("input", event => {
    showMultiplier(Number(event.target.value));
    later({ multiplier: Number(event.target.value) });
  });
  $("#load-rate-range").addEventListener("input", event => {
    $("#load-rate").value = event.target.value;
    later({ mode: "manual", rate: Number(event.target.value) });
  });
  $("#load-rate").addEventListener("change", sendRate);
  $("#load-rate").addEventListener("keydown", event => { if (event.key === "Enter") sendRate(); });
  $("#load-edit").addEventListener("click", edit);
  $("#phase-add").addEventListener("click", () => addRow({ name: "hold", seconds: 30, from: 100, to: 100 }).querySelector("input").focus());
  $("#script-cancel").addEventListener("click", () => $("#script-dialog").close());
  $("#script-form").addEventListener("submit", save);
}

// By hand starts from the rate that holds now, so that nothing jumps.
const to = mode => (mode === "manual" ? { mode, rate: Math.round(load?.rate ?? 0) } : { mode });

function sendRate() {
  const field = $("#load-rate");
  if (field.value.trim() !== "" && field.checkValidity()) send({ mode: "manual", rate: Number(field.value) });
  else put($("#load-error"), `The rate is a number from ${field.min} to ${field.max}.`);
}

function later(change) {
  clearTimeout(rest);
  rest = setTimeout(() => { rest = 0; send(change); }, REST_MS);
}

function send(change) {
  pending += 1;
  sending = sending.then(async () => {
    try {
      const next = await postJson("/api/load", change);
      put($("#load-error"), "");
      pending -= 1;
      update(next);
      return true;
    } catch (error) {
      put($("#load-error"), `Not changed: ${sentence(error)}`);
      pending -= 1;
      return false;
    }
  });
  return sending;
}

function showMultiplier(value) {
  put($("#load-multiplier-value"), `× ${number(value, 1)}`);
}

// A control that a reader has in hand is not moved under the hand.
const inHand = node => document.activeElement === node;

export function update(next) {
  load = next;
  put($("#load-now"), short(load.rate));
  const phase = load.phases[load.phase_index];
  const manner = { script: `${load.phase} · ${number(load.phase_elapsed)} of ${number(phase?.seconds)} s`, manual: "by hand", paused: "paused" };
  put($("#load-phase"), manner[load.mode] ?? load.mode);
  put($("#load-counts"), `${number(load.sent)} sent` + (load.failed > 0 ? ` · ${number(load.failed)} failed` : ""));
  $("#load-counts").classList.toggle("bad", load.failed > 0);
  drawProfile();
  if (pending > 0 || rest !== 0) return;
  $("#load-mode").value = load.mode;
  put($("#load-toggle"), load.mode === "script" ? "Pause" : load.mode === "paused" ? "Start" : "Pause");
  if (!inHand($("#load-multiplier"))) $("#load-multiplier").value = load.multiplier;
  showMultiplier(load.multiplier);
  if (!inHand($("#load-rate-range")) && !inHand($("#load-rate"))) $("#load-rate").value = $("#load-rate-range").value = Math.round(load.rate);
}

function drawProfile() {
  const total = load.phases.reduce((sum, phase) => sum + phase.seconds, 0) || 1;
  const highest = Math.max(1, ...load.phases.flatMap(({ from, to }) => [from, to]));
  const signature = JSON.stringify(load.phases);
  if (signature !== profile) {
    profile = signature;
    let x = 0;
    const y = rate => (40 - (rate / highest) * 36).toFixed(2);
    const points = load.phases.flatMap(({ seconds, from, to }) => {
      const begin = x;
      x += (1000 * seconds) / total;
      return [`${begin.toFixed(1)},${y(from)}`, `${x.toFixed(1)},${y(to)}`];
    });
    const shape = svg("svg", { viewBox: "0 0 1000 40", preserveAspectRatio: "none" }, svg("polygon", { points: `0,40 ${points.join(" ")} 1000,40` }), svg("polyline", { points: points.join(" ") }));
    const names = load.phases.map(({ name, seconds }) => {
      const label = el("span", { title: `${name}, ${seconds} s` }, name);
      label.style.flex = `${seconds} 1 0`;
      return label;
    });
    $("#profile").replaceChildren(shape, el("i"), el("div", {}, ...names));
  }
  const before = load.phases.slice(0, load.phase_index).reduce((sum, phase) => sum + phase.seconds, 0);
  $("#profile i").style.left = `${Math.min(100, (100 * (before + load.phase_elapsed)) / total)}%`;
  $("#profile").classList.toggle("idle", load.mode !== "script");
  [...$("#profile div").children].forEach((name, index) => name.classList.toggle("here", index === load.phase_index && load.mode === "script"));
}

function edit() {
  $("#phases").replaceChildren();
  (load?.phases ?? []).forEach(addRow);
  put($("#script-error"), "");
  $("#script-dialog").showModal();
}

function addRow(phase) {
  const field = (name, type, label, extra = {}) => el("td", {}, el("input", { name, type, value: phase[name], required: true, "aria-label": label, ...extra }));
  const row = el("tr", {}, field("name", "text", "Phase", { maxlength: 40 }), field("seconds", "number", "Seconds", { min: 1, max: 86400, step: "any" }),
    field("from", "number", "From, requests a second", { min: 0, max: 2000, step: "any" }), field("to", "number", "To, requests a second", { min: 0, max: 2000, step: "any" }),
    el("td", {}, el("button", { type: "button", class: "quiet", "aria-label": "Remove this phase", onclick: () => row.remove() }, "✕")));
  $("#phases").append(row);
  return row;
}

async function save(event) {
  event.preventDefault();
  const phases = [...$("#phases").rows].map(row => {
    const [name, seconds, from, to] = [...row.querySelectorAll("input")].map(input => input.value);
    return { name, seconds: Number(seconds), from: Number(from), to: Number(to) };
  });
  if (phases.length === 0) put($("#script-error"), "A script has at least one phase.");
  else if (await send({ mode: "script", phases, restart: true })) $("#script-dialog").close();
  else put($("#script-error"), $("#load-error").textContent);
}
