// Requests to the server that served this page. Every one has a deadline, and what fails says so in one sentence.

// The server is on this machine: an answer that takes longer is no answer.
const DEADLINE_MS = 2500;

async function ask(path, options) {
  const response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS) });
  if (response.ok) return response;
  const body = await response.text();
  let reason = body.trim();
  try { reason = JSON.parse(body).error ?? reason; } catch { }
  throw new Error(typeof reason === "string" && reason !== "" ? reason : `${path} answered ${response.status}`);
}

export const getJson = async path => (await ask(path)).json();
export const getText = async path => (await ask(path)).text();
export const postJson = async (path, body) =>
  (await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();

// The browser's own words for a request that got no answer tell a reader nothing.
export function sentence(error) {
  if (error.name === "TimeoutError") return `no answer within ${DEADLINE_MS / 1000} s`;
  return error instanceof TypeError ? `no answer from ${location.host}` : error.message;
}
