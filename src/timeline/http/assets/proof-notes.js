// @ts-check
/**
 * Signed notes and the keys that check them. Knows nothing of what a note says, nor of the page.
 *
 * Source: C2SP signed-note.
 *
 * @typedef {{name: string, id: string, algorithm: number, bytes: Uint8Array<ArrayBuffer>, text: string, given: boolean}} Key
 * @typedef {{name: string, id: string, signature: Uint8Array<ArrayBuffer>}} Line
 */

import { encoder, fromBase64, hex, sha256 } from "./proof-bytes.js";

/** The algorithm bytes of a log's key, and of a witness's. */
export const ED25519 = 1;
export const COSIGNATURE = 4;
const KEY_ID_BYTES = 4;

/** @param {unknown} note */
export function noteOf(note) {
  if (typeof note !== "string") throw new Error("it is no signed note");
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Error("it is no signed note");
  const signatures = note.slice(end + 2).trimEnd().split("\n").map((line) => {
    const [dash, name, encoded] = line.split(" ");
    if (dash !== "—" || !encoded) throw new Error("a line below the text is no signature");
    const bytes = fromBase64(encoded);
    if (bytes.length <= KEY_ID_BYTES) throw new Error("a signature is too short");
    return { name, id: hex(bytes.slice(0, KEY_ID_BYTES)), signature: bytes.slice(KEY_ID_BYTES) };
  });
  return { text: note.slice(0, end + 1), signatures };
}

/** @param {string} text @param {boolean} given @returns {Promise<Key>} */
async function keyFrom(text, given) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  if (!encoded) throw new Error("a verifier key has the form NAME+ID+KEY");
  const typed = fromBase64(encoded);
  const computed = hex((await sha256(encoder.encode(`${name}\n`), typed)).slice(0, KEY_ID_BYTES));
  const algorithm = typed[0];
  if (![ED25519, COSIGNATURE].includes(algorithm) || computed !== id) throw new Error("the verifier key is not whole");
  return { name, id, algorithm, bytes: typed.slice(1), text, given };
}

/** @param {string} text @param {boolean} given */
export const keysFrom = (text, given) =>
  Promise.all(text.split(/\s+/).filter(Boolean).map((each) => keyFrom(each, given)));

/** @param {Line} line @param {Key} key */
export const isBy = (line, key) => line.name === key.name && line.id === key.id;

/**
 * Whether a signature is a key's; null where the browser cannot tell.
 * @param {Key} key
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} message
 */
export async function verified(key, signature, message) {
  const verifier = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]).catch(() => null);
  return verifier && crypto.subtle.verify({ name: "Ed25519" }, verifier, signature, message);
}
