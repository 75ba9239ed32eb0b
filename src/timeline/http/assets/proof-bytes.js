// @ts-check
/**
 * Bytes, hashes and JSON as a proof has them, with WebCrypto alone. Knows nothing of the page.
 *
 * Sources: RFC 6962 (hashes), RFC 9162, 2.1.3.2 (the path), RFC 8785 (canonical JSON).
 */

export const encoder = new TextEncoder();
/** What is hashed before a leaf, and before both halves of a node. */
export const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const SHOWN_CHARACTERS = 100;

// Bytes

/** @param {Uint8Array[]} parts */
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** @param {Uint8Array[]} parts */
export const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {unknown} text */
export function fromHex(text) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) throw new Error(`${text} is no hexadecimal`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {string} text */
export function fromBase64(text) {
  let bytes;
  try {
    bytes = atob(text);
  } catch {
    throw new Error(`${text.slice(0, SHOWN_CHARACTERS)} is no base64`);
  }
  return Uint8Array.from(bytes, (each) => each.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

// JSON

/**
 * The members of a JSON object as they are written, by name: their bytes are what was hashed.
 * @param {string} text
 * @returns {Map<string, string>}
 */
export function members(text) {
  const found = new Map();
  let depth = 0, name = "", begin = -1;
  for (const { 0: word, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    if (word === "}" || word === "]") depth -= 1;
    const ends = (depth === 1 && word === ",") || (depth === 0 && word === "}");
    if (ends && begin >= 0) {
      found.set(JSON.parse(name), text.slice(begin, index).trim());
      begin = -1;
    } else if (depth === 1 && begin < 0) {
      if (word === ":") begin = index + 1;
      else if (word.startsWith('"')) name = word;
    }
    if (word === "{" || word === "[") depth += 1;
  }
  return found;
}

/**
 * A JSON value as RFC 8785 writes it. The record holds whole numbers alone, which JSON.stringify writes so.
 * @param {any} value
 * @returns {string}
 */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

// The tree

/**
 * The root that a path leads to; null where the path has not the length that it must have.
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array} leaf
 * @param {Uint8Array[]} hashes
 */
export async function rootFrom(index, size, leaf, hashes) {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size)) return null;
  let node = index, last = size - 1, hash = leaf;
  const up = () => { node = Math.floor(node / 2); last = Math.floor(last / 2); };
  for (const other of hashes) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      hash = await sha256(NODE, other, hash);
      while (node % 2 === 0 && node !== 0) up();
    } else {
      hash = await sha256(NODE, hash, other);
    }
    up();
  }
  return last === 0 ? hash : null;
}
