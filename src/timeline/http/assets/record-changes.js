/**
 * What a correction, or a new description, changes, in words: each field as it is believed and as it would be.
 */

import { make, plain } from "./record-dom.js";
import { judge } from "./record-dates.js";
import { nameOf } from "./record-fields.js";

/** Fields that no one control holds. */
const NAMES = /** @type {Record<string, string>} */ ({
  vote: "Votes",
  actors: "Who acted",
  by: "Acted on by",
  identifiers: "Other names",
});

/**
 * Return the changes as a list.
 * @param {import("./record-event.js").Built} found
 * @param {any} believed the fields before
 * @param {string} token
 * @param {AbortSignal} signal
 */
export async function changes({ document, places }, believed, token, signal) {
  const { changes: corrected, reason, sources = [], settles = [], ...described } = document.data;
  const changed = corrected ?? described;
  const prefix = corrected ? "data.changes." : "data.";
  const items = await Promise.all(
    Object.entries(changed).map(async ([name, after]) => {
      const control = NAMES[name] ? undefined : places.get(`${prefix}${name}`);
      const [old, now] = await Promise.all(
        [believed?.[name], after].map((value) => told(value, control, token, signal)),
      );
      const label = NAMES[name] ?? (control ? nameOf(control) : name);
      return make("li", {}, `${label}: `, make("del", {}, old), " would become ", make("ins", {}, now));
    }),
  );
  items.push(...sources.map((/** @type {any} */ each) => make("li", {}, "Source added: ", make("ins", {}, plain(each)))));
  if (settles.length) items.push(make("li", {}, `Disputes settled: ${settles.length}`));
  return [make("p", {}, `You change of the ${corrected ? "action" : "policy"}:`), make("ul", {}, ...items)];
}

/**
 * Return a value as its control tells it: a choice by its name, a date with what it means.
 * @param {any} value
 * @param {any} control
 * @param {string} token
 * @param {AbortSignal} signal
 */
async function told(value, control, token, signal) {
  if (control instanceof HTMLSelectElement) {
    const option = [...control.options].find((each) => each.value === (value ?? ""));
    return option?.textContent || plain(value);
  }
  if (value && control?.dataset.date) {
    const judged = await judge(value, control.dataset.date, token, signal);
    if (judged && "words" in judged) return `${value} (${judged.words})`;
  }
  return plain(value);
}
