/**
 * Drafts: what was typed survives a reload, an event's ids stay with it until it is recorded. Each tab has
 * a draft of its own, so that none takes another's away.
 *
 * A token is never part of a draft. It is kept for the tab alone.
 */

const PREFIX = "timeline.record.draft.";
const TAB = "timeline.record.tab."; // Which draft is this tab's, by address.
const NONE = "none"; // This tab is done with its draft, and begins without one.
const TOKEN = "timeline.record.token";
const MOST = 20; // Drafts that are kept, the newest ones: a few kilobytes each.

/** Where this tab keeps its draft, and what it last kept there or found. */
const mine = { key: "", text: "" };

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
 * Return what is kept for an address, the newest first.
 * @param {string} name
 * @returns {{key: string, kept: any}[]}
 */
function drafts(name) {
  const found = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${name}#`));
  return found
    .map((key) => ({ key, kept: read(key) }))
    .filter(({ kept }) => kept?.fields && Array.isArray(kept.ids))
    .sort((a, b) => b.kept.at - a.kept.at);
}

/**
 * Return this tab's draft, or the newest one in a tab that had none yet; and the others.
 * @param {string} name
 */
export function takeUp(name) {
  const all = drafts(name);
  const key = sessionStorage.getItem(TAB + name);
  const own = key === null ? all[0] : all.find((each) => each.key === key);
  if (own) {
    mine.key = own.key;
    mine.text = textOf(own.kept);
    choose(name, own.key);
  }
  return { draft: own?.kept ?? null, others: all.filter((each) => each !== own) };
}

/**
 * Have this tab take a draft up when it is loaded again.
 * @param {string} name
 * @param {string} key
 */
export function choose(name, key) {
  sessionStorage.setItem(TAB + name, key);
}

/**
 * Keep a draft. Where another tab went on with the same one meanwhile, both are kept.
 * @param {string} name
 * @param {any} draft
 */
export function save(name, draft) {
  const text = JSON.stringify(draft);
  const there = read(mine.key);
  const stands = there && textOf(there);
  if (stands === text) {
    mine.text = text;
    return;
  }
  if (mine.key === "" || (stands && stands !== mine.text)) {
    mine.key = `${PREFIX}${name}#${newId()}`;
    choose(name, mine.key);
  }
  makeRoom();
  mine.text = text;
  try {
    localStorage.setItem(mine.key, JSON.stringify({ ...draft, at: Date.now() }));
  } catch {
    // The browser keeps nothing, or no more: the form works without.
  }
}

function makeRoom() {
  const others = Object.keys(localStorage).filter((each) => each.startsWith(PREFIX) && each !== mine.key);
  others.sort((a, b) => age(a) - age(b));
  while (others.length >= MOST) localStorage.removeItem(others.shift() ?? "");
}

/**
 * Be done with this tab's draft. What another tab made of it meanwhile stays.
 * @param {string} name
 */
export function forget(name) {
  const there = read(mine.key);
  if (there && textOf(there) === mine.text) localStorage.removeItem(mine.key);
  mine.key = "";
  choose(name, NONE);
}

/**
 * Return what is kept under a key, or null.
 * @param {string} key
 * @returns {any}
 */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null; // Not of this page's making.
  }
}

/**
 * Return the text of a draft without its time.
 * @param {any} kept
 */
function textOf({ at, ...draft }) {
  return JSON.stringify(draft);
}

/** @param {string} key */
function age(key) {
  return Number(read(key)?.at ?? 0);
}
