// @ts-check
/**
 * Checks the proof of an event in the browser, with WebCrypto alone: from the data to the commitment in
 * the entry, from the entry to the leaf, up the path to the root, and from there to the checkpoint and
 * its signature. Each step is checked by itself, so that what is wrong is named.
 *
 * Sources: C2SP tlog-checkpoint and tlog-cosignature; `proof-bytes.js` and `proof-notes.js` name theirs.
 *
 * @typedef {{result: "right" | "wrong" | "unchecked" | "absent", words: string, values?: [string, string][]}} Outcome
 * @typedef {import("./proof-notes.js").Key} Key
 * @typedef {import("./proof-notes.js").Line} Line
 * @typedef {{text: string, event: any, keys: Key[], witnesses: Key[]}} Subject
 */

import { base64, canonical, encoder, fromHex, hex, LEAF, members, rootFrom, sha256 } from "./proof-bytes.js";
import { COSIGNATURE, ED25519, isBy, keysFrom, noteOf, verified } from "./proof-notes.js";

const STAMP_BYTES = 8;
const COSIGNATURE_BYTES = STAMP_BYTES + 64;
const ENTRY_FIELDS = ["id", "position", "policy", "version", "type", "schema", "batch", "recorded_at", "recorded_by"];

/** What each step is called where it is found wrong. */
const NAMES = {
  event: "the entry does not say what is shown",
  data: "the data is not what was recorded",
  leaf: "the entry's hash is not the leaf",
  path: "the path does not lead to the root",
  checkpoint: "the checkpoint states something else",
  signature: "the signature is not the log's",
  cosignatures: "a cosignature is not the witness's",
};

// The steps

/** @type {Record<string, (subject: Subject) => Promise<Outcome>>} */
const STEPS = {
  async event({ event }) {
    const entry = entryOf(event);
    /** @type {[string, string][]} */
    const differing = ENTRY_FIELDS.filter((name) => entry[name] !== event[name]).map((name) => [
      name,
      `${event[name]}; the entry says ${entry[name]}`,
    ]);
    if (shown("entry") !== event.entry) differing.push(["this page", "shows another entry"]);
    if (event.data !== null && canonical(JSON.parse(shown("data"))) !== canonical(event.data)) {
      differing.push(["this page", "shows other data"]);
    }
    if (differing.length) return wrong(differing);
    return right([["entry", `${encoder.encode(event.entry).length} bytes`]]);
  },

  async data({ text, event }) {
    if (event.salt === null) return unchecked("cannot be checked any more: the data is erased");
    const { commitment } = entryOf(event);
    const raw = members(text).get("data") ?? "null";
    const written = canonical(JSON.parse(raw));
    const key = await crypto.subtle.importKey("raw", fromHex(event.salt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const computed = hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(written))));
    /** @type {[string, string][]} */
    const values = [
      ["computed", computed],
      ["in the entry", commitment],
      ["of", raw === written ? "the data as it came, byte for byte" : "the data that came, written anew as RFC 8785 has it"],
    ];
    return computed === commitment ? right(values) : wrong(values);
  },

  async leaf({ event }) {
    const computed = hex(await sha256(LEAF, encoder.encode(event.entry)));
    return compared(computed, required(event).leaf_hash, "in the proof");
  },

  async path({ event }) {
    const { position, size, leaf_hash: leaf, hashes, root } = required(event);
    if (!Array.isArray(hashes)) throw new Error("the proof has no list of hashes");
    if (position !== event.position) return wrong([["position", `${position}; the event is at ${event.position}`]]);
    const computed = await rootFrom(position - 1, size, fromHex(leaf), hashes.map(fromHex));
    if (computed === null) return wrong([["hashes", `${hashes.length}, which no path has at ${position} of ${size}`]]);
    return compared(hex(computed), root, "in the proof");
  },

  async checkpoint({ event }) {
    const { root, size, checkpoint } = required(event);
    const [origin, stated, encoded] = noteOf(checkpoint).text.split("\n");
    /** @type {[string, string][]} */
    const values = [
      ["log", origin],
      ["size", stated === String(size) ? stated : `${stated}; the proof says ${size}`],
      ["root", encoded === base64(fromHex(root)) ? root : `${encoded}; the proof says ${base64(fromHex(root))}`],
    ];
    return values.some(([, value]) => value.includes("; the proof says")) ? wrong(values) : right(values);
  },

  async signature({ event, keys }) {
    const note = noteOf(required(event).checkpoint);
    for (const key of keys) {
      const line = note.signatures.find((each) => isBy(each, key));
      if (!line) continue;
      const holds = await verified(key, line.signature, encoder.encode(note.text));
      if (holds === null) return unchecked("not checked here: your browser lacks Ed25519");
      /** @type {[string, string][]} */
      const values = [["key", key.text], ["which is", key.given ? "the key that you gave" : "the service's own key"]];
      return holds ? right(values) : wrong(values);
    }
    const known = keys.map((key) => key.text).join(" ") || "none";
    return wrong([["keys", known], ["signed by", note.signatures.map((each) => `${each.name} ${each.id}`).join(", ")]]);
  },

  async cosignatures({ event, keys, witnesses }) {
    const note = noteOf(required(event).checkpoint);
    // Another key of the log, as while keys change, signs what is as long as any signature; a witness adds a time,
    // and a line by the name of one that is known is told whatever is in it.
    const lines = note.signatures.filter(
      (line) =>
        !keys.some((key) => isBy(line, key)) &&
        (line.signature.length === COSIGNATURE_BYTES || witnesses.some((key) => key.name === line.name)),
    );
    /** @type {[string, string][]} */
    const values = [];
    const counted = { right: 0, wrong: 0, unchecked: 0 };
    for (const line of lines) {
      const [result, words] = await cosigned(note.text, line, witnesses.find((key) => isBy(line, key)));
      counted[result] += 1;
      values.push([`${line.name} ${line.id}`, words]);
    }
    for (const key of witnesses.filter((each) => each.given && !lines.some((line) => isBy(line, each)))) {
      counted.wrong += 1;
      values.push([`${key.name} ${key.id}`, "has not cosigned; you gave this key"]);
    }
    if (counted.wrong) return wrong(values);
    if (!lines.length) return { result: "absent", words: "no witness has cosigned this checkpoint" };
    if (!counted.right) return { ...unchecked("not checked"), values };
    const all = counted.unchecked ? `${counted.right} of ${lines.length} checked, and hold` : "hold";
    return { ...right(values), words: counted.right === 1 && lines.length === 1 ? "holds" : all };
  },
};

/**
 * What a witness's line is, and in words; when it saw the checkpoint is in what it signed.
 * @param {string} text
 * @param {Line} line
 * @param {Key | undefined} key
 * @returns {Promise<["right" | "wrong" | "unchecked", string]>}
 */
async function cosigned(text, line, key) {
  const { length } = line.signature;
  if (length !== COSIGNATURE_BYTES) {
    return [key ? "wrong" : "unchecked", `has ${length} bytes, where a cosignature has ${COSIGNATURE_BYTES}`];
  }
  const stamp = new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0);
  const seen = stamp < 2n ** 38n ? new Date(Number(stamp) * 1000).toISOString().replace(".000Z", "Z") : `second ${stamp}`;
  if (!key) return ["unchecked", `says to have seen it at ${seen}; not checked, as no key is known`];
  const message = encoder.encode(`cosignature/v1\ntime ${stamp}\n${text}`);
  const holds = await verified(key, line.signature.slice(STAMP_BYTES), message);
  const whose = key.given ? "by the key that you gave" : "by the key that the service keeps";
  if (holds === null) return ["unchecked", `says to have seen it at ${seen}; your browser lacks Ed25519`];
  return holds ? ["right", `saw it at ${seen}, ${whose}`] : ["wrong", `is not signed ${whose}`];
}

/** @param {any} event */
function entryOf(event) {
  let entry = null;
  try {
    entry = JSON.parse(event.entry);
  } catch {
    // Told below.
  }
  if (entry === null || typeof entry !== "object") throw new SyntaxError("the entry is no JSON object");
  return entry;
}

/** @param {any} event */
function required(event) {
  if (!event.proof) throw new Error("no checkpoint has the event yet; look again in a second or two");
  return event.proof;
}

/** @param {string} computed @param {string} expected @param {string} where @returns {Outcome} */
function compared(computed, expected, where) {
  const outcome = computed === expected ? right : wrong;
  return outcome([["computed", computed], [where, expected]]);
}

/** @param {[string, string][]} values @returns {Outcome} */
const right = (values) => ({ result: "right", words: "holds", values });
/** @param {[string, string][]} values @returns {Outcome} */
const wrong = (values) => ({ result: "wrong", words: "wrong", values });
/** @param {string} words @returns {Outcome} */
const unchecked = (words) => ({ result: "unchecked", words });

// The page

/** What this page shows of the event. @param {string} part */
const shown = (part) => document.querySelector(`[data-shown=${part}]`)?.textContent ?? "";

const section = document.querySelector("[data-proof]");
const form = document.querySelector("[data-key-form]");

let newest = 0;

/**
 * Check the proof and show what comes of it, unless somebody asks anew meanwhile, with another key.
 * @param {HTMLElement} section
 * @param {string} given
 */
async function check(section, given) {
  newest += 1;
  const asked = newest;
  const verdict = section.querySelector("[data-verdict]");
  if (!(verdict instanceof HTMLElement)) return;
  if (!globalThis.crypto?.subtle) {
    verdict.textContent = "Not checked here: browsers compute hashes only on pages that came by https or from this machine.";
    return;
  }
  verdict.textContent = "Checking…";
  /** @type {Subject} */
  let subject;
  try {
    const text = await fetched(section.dataset.proof ?? "");
    const event = JSON.parse(text);
    const own = await keysFrom(given, true);
    const kept = await keysFrom(section.dataset.witnesses ?? "", false);
    const ofLog = own.filter((key) => key.algorithm === ED25519);
    const keys = ofLog.length || !event.proof ? ofLog : await keysFrom(await fetched(section.dataset.keys ?? ""), false);
    const witnesses = [...own, ...kept].filter((key) => key.algorithm === COSIGNATURE);
    subject = { text, event, keys, witnesses };
  } catch (error) {
    if (asked === newest) verdict.textContent = `Not checked: ${said(error)}`;
    return;
  }
  /** @type {Record<string, Outcome>} */
  const outcomes = {};
  for (const [name, step] of Object.entries(STEPS)) {
    outcomes[name] = await step(subject).catch((error) => failed(subject, error));
    if (asked !== newest) return;
    show(section, name, outcomes[name]);
  }
  conclude(verdict, outcomes);
}

/** @param {Subject} subject @param {unknown} error @returns {Outcome} */
const failed = ({ event }, error) =>
  event.proof || error instanceof SyntaxError
    ? { result: "wrong", words: `wrong: ${said(error)}` }
    : unchecked(`not checked: ${said(error)}`);

/** @param {Element} section @param {string} name @param {Outcome} outcome */
function show(section, name, outcome) {
  const item = section.querySelector(`[data-step=${name}]`);
  if (!(item instanceof HTMLElement)) return;
  item.dataset.result = outcome.result;
  const words = item.querySelector(".outcome");
  if (words) words.textContent = outcome.words;
  const lines = (outcome.values ?? []).map(([term, value]) => {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    const code = document.createElement("code");
    dt.textContent = term;
    code.textContent = value;
    dd.append(code);
    return [dt, dd];
  });
  item.querySelector("[data-values]")?.replaceChildren(...lines.flat());
}

/** @param {HTMLElement} verdict @param {Record<string, Outcome>} outcomes */
function conclude(verdict, outcomes) {
  const named = (/** @type {string} */ result) => Object.keys(outcomes).filter((name) => outcomes[name].result === result);
  const faults = named("wrong").map((name) => NAMES[/** @type {keyof typeof NAMES} */ (name)]);
  const open = named("unchecked").length;
  const steps = Object.keys(outcomes).length - named("absent").length;
  verdict.className = faults.length ? "notice wrong" : open ? "notice warning" : "notice right";
  verdict.textContent = faults.length
    ? `Found wrong: ${faults.join("; ")}.`
    : open
      ? `What was checked holds; ${open} of ${steps} steps could not be checked.`
      : "All of it holds: this event is in the log that the checkpoint speaks of, as it is shown.";
}

/** @param {string} address */
async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json, text/plain" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`${address} is answered with ${answer.status}`);
  return answer.text();
}

/** @param {unknown} error */
const said = (error) => (error instanceof Error ? error.message : String(error));

if (section instanceof HTMLElement) {
  check(section, "");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = form.querySelector("input");
    check(section, key?.value.trim() ?? "");
  });
}
