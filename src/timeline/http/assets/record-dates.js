/**
 * What the dates in the form mean, as the service reads them, each by itself: so that a wrong one is
 * named while all else is still blank.
 */

import { ask, Problem } from "./record-api.js";
import { make } from "./record-dom.js";
import * as fields from "./record-fields.js";

/** @typedef {{earliest: string | null, latest: string | null, words: string} | {wrong: string}} Judged */

const MOST_KEPT = 200; // Texts whose meaning is remembered: far more than one form has dates.

/** @type {Map<string, Judged>} */
const kept = new Map();

/**
 * Say beside each date what it means, or what is wrong with it.
 * @param {Element} form
 * @param {string} token
 * @param {AbortSignal} signal
 */
export async function tellDates(form, token, signal) {
  const controls = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[data-date]")]);
  const judged = await Promise.all(controls.map((each) => judgeControl(each, token, signal)));
  if (signal.aborted) return;
  controls.forEach((each, index) => tell(each, judged[index]));
  const [from, until] = ["effective", "until"].map((path) => controls.findIndex((each) => each.dataset.path === path));
  const [first, last] = [judged[from], judged[until]];
  if (first && last && "words" in first && "words" in last && first.earliest && last.latest && last.latest < first.earliest) {
    fields.accuse(controls[until], `This is before it takes effect: ${first.words}.`);
  }
}

/**
 * @param {HTMLInputElement} control
 * @param {string} token
 * @param {AbortSignal} signal
 */
async function judgeControl(control, token, signal) {
  if (fields.isBlank(control) || control.matches(":disabled")) return null;
  return judge(control.value.trim(), control.dataset.date ?? "day", token, signal);
}

/**
 * Return what a date means; null where nobody can say.
 * @param {string} edtf
 * @param {string} kind day or occurrence
 * @param {string} token
 * @param {AbortSignal} signal
 * @returns {Promise<Judged | null>}
 */
export async function judge(edtf, kind, token, signal) {
  const asked = String(new URLSearchParams({ edtf, kind }));
  const known = kept.get(asked);
  if (known) return known;
  /** @type {Judged} */
  let found;
  try {
    found = await ask(`/v1/dates?${asked}`, { token, signal });
  } catch (error) {
    // That a token is needed or no answer comes is said elsewhere, when what is given is tried.
    if (!(error instanceof Problem) || error.field !== "edtf") return null;
    found = { wrong: error.message };
  }
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(asked, found);
  return found;
}

/**
 * @param {HTMLInputElement} control
 * @param {Judged | null} judged
 */
function tell(control, judged) {
  const line = control.closest(".line");
  line?.querySelector(".meaning")?.remove();
  if (judged && "wrong" in judged) fields.accuse(control, judged.wrong);
  else if (judged) line?.append(make("p", { class: "small meaning", role: "status" }, `Read as: ${judged.words}.`));
}
