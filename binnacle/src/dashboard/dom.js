// Elements, and numbers and times as a reader wants them. What the server sends becomes text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";

export const $ = selector => document.querySelector(selector);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ""));
  return node;
}

export const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// Writing the same text again would undo a reader's selection.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const known = value => typeof value === "number" && Number.isFinite(value);

export function number(value, digits = 0) {
  return known(value) ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "–";
}

// Three figures are what an eye takes in.
export const short = value => number(value, value !== 0 && Math.abs(value) < 10 ? 1 : 0);
export const percent = value => (known(value) ? `${number(value, value < 10 ? 1 : 0)} %` : "–");

export function bytes(value, suffix = "") {
  if (!known(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** power;
  return `${number(scaled, power > 0 && scaled < 10 ? 1 : 0)} ${units[power]}${suffix}`;
}

// Times come as milliseconds or as RFC 3339.
export const moment = time => (typeof time === "number" ? time : Date.parse(time));

export function clock(time) {
  const date = new Date(moment(time));
  return Number.isNaN(date.getTime()) ? "–" : date.toLocaleTimeString("en-GB");
}

export function age(milliseconds, coarse = false) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (!known(seconds)) return "–";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min` + (coarse ? "" : ` ${seconds % 60} s`);
  return `${Math.floor(seconds / 3600)} h` + (coarse ? "" : ` ${Math.floor(seconds / 60) % 60} min`);
}

export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
