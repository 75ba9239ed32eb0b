/**
 * What will be recorded, in words: every field that is sent, under the name that the form gives it. What a
 * correction or a new description changes is told with what it changes, by `record-changes`.
 */

import { inWords, make } from "./record-dom.js";
import { isBlank, nameOf } from "./record-fields.js";
import { kindOf } from "./record-words.js";

const UNNAMED = /** @type {Record<string, string>} */ ({
  "": "a policy that has no id yet",
  "not-chosen-yet": "a policy that is not chosen yet",
});
const CLAIMS = /** @type {Record<string, string>} */ ({ disputes: "The source says otherwise.", supports: "The source says the same." });

/**
 * Return what is sent, event by event.
 * @param {import("./record-event.js").Built} found
 * @param {boolean} changing where the fields but for the reason are told as changes
 */
export function told({ document, places }, changing) {
  const events = document.events ?? [document];
  return events.flatMap((/** @type {any} */ each, /** @type {number} */ index) => {
    const fields = fieldsIn(places, document.events ? `events[${index}].` : "", changing ? "[data-section=reason] *" : "*");
    if (fields.length === 0) return [];
    const policy = UNNAMED[each.policy] ?? `the policy ${each.policy}`;
    return [
      make("p", {}, `${kindOf(each.type)}, of ${policy}${condition(each)}:`),
      make("ul", {}, ...[...meanings(each.data), ...fields].map((words) => make("li", {}, words))),
    ];
  });
}

/** @param {any} event */
function condition({ expected_version: version }) {
  if (version === undefined) return "";
  return version === "new" ? ", if the record does not have it yet" : `, if it is still at version ${version}`;
}

/**
 * Return what an event says besides the fields that someone fills in.
 * @param {any} data
 */
function meanings({ event, stance }) {
  return [...(event ? [`About the event ${event}`] : []), ...(stance ? [CLAIMS[stance]] : [])];
}

/**
 * Return the fields that are filled in, those of a source or a person on one line.
 * @param {Map<string, any>} places
 * @param {string} prefix of the event
 * @param {string} which a selector of the controls that are told
 */
function fieldsIn(places, prefix, which) {
  /** @type {Map<any, string[]>} */
  const lines = new Map();
  const seen = new Set();
  for (const [path, control] of places) {
    // A place that is not the control's own is that of a list, or of what else the control stands for.
    if (!path.startsWith(prefix) || !`.${path}`.endsWith(`.${control?.dataset.path}`)) continue;
    if (seen.has(control) || isBlank(control) || !control.matches(which)) continue;
    seen.add(control);
    const item = control.closest("[data-item]");
    const line = `${nameOf(control)}: ${valueOf(control)}`;
    lines.set(item ?? control, [...(lines.get(item ?? control) ?? []), line]);
  }
  return [...lines].map(([owner, words]) => `${legendOf(owner)}${words.join("; ")}`);
}

/** @param {any} owner an item of a list, or a control by itself */
function legendOf(owner) {
  return owner.matches("[data-item]") ? `${owner.querySelector("legend").textContent}: ` : "";
}

/** @param {any} control */
function valueOf(control) {
  return control instanceof HTMLSelectElement ? inWords(control.value) : control.value.trim();
}
