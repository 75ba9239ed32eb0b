/**
 * Drafts: what was typed survives a reload, an event's ids stay with it until it is recorded.
 *
 * A token is never part of a draft. It is kept for the tab alone.
 */

const PREFIX = "timeline.record.draft.";
const TOKEN = "timeline.record.token";
const MOST = 20; // Drafts that are kept, the newest ones: a few kilobytes each.

/** Return the token of this tab. */
export function keptToken() {
  return sessionStorage.getItem(TOKEN) ?? "";
}

/** @param {string} token */
export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

/**
 * Return a new event id: a UUID of version 7 (RFC 9562). `crypto.randomUUID` is missing where a page is
 * served without TLS, as within an office.
 */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let milliseconds = Date.now();
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = milliseconds % 256;
    milliseconds = Math.floor(milliseconds / 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([a, b]) => hex.slice(a, b)).join("-");
}

/**
 * Return what was kept under a name, or null.
 * @param {string} name
 * @returns {any}
 */
export function load(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null; // Not of this page's making.
  }
}

/**
 * @param {string} name
 * @param {any} draft
 */
export function save(name, draft) {
  const others = Object.keys(localStorage).filter((each) => each.startsWith(PREFIX) && each !== PREFIX + name);
  others.sort((a, b) => age(a) - age(b));
  while (others.length >= MOST) localStorage.removeItem(others.shift() ?? "");
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify({ ...draft, at: Date.now() }));
  } catch {
    // The browser keeps nothing, or no more: the form works without.
  }
}

/** @param {string} name */
export function forget(name) {
  localStorage.removeItem(PREFIX + name);
}

/** @param {string} key */
function age(key) {
  return Number(load(key.slice(PREFIX.length))?.at ?? 0);
}
