/**
 * Naming, before a policy is registered, those that may be the same.
 */

import { ask } from "./record-api.js";
import { byId, link, make } from "./record-dom.js";
import { aboutPolicy } from "./record-offers.js";

/**
 * Name the policies of the place that have the title, a similar one, or one of the identifiers.
 * @param {any} data of the registration; null where none is recorded
 * @param {string} token
 * @param {AbortSignal} signal
 */
export async function tellAlike(data, token, signal) {
  const box = byId("alike");
  if (!data?.title || !data.jurisdiction) {
    delete box.dataset.asked;
    return box.replaceChildren();
  }
  const asked = new URLSearchParams({ title: data.title, jurisdiction: data.jurisdiction });
  for (const { scheme, value } of data.identifiers ?? []) if (scheme && value) asked.append("identifier", `${scheme}:${value}`);
  if (box.dataset.asked === String(asked)) return;
  const found = await ask(`/record/alike?${asked}`, { token, signal }).catch(() => null);
  if (signal.aborted) return;
  // A wrong place is said at its field.
  box.replaceChildren(...(found?.items.length ? [notice(found.items)] : []));
  box.dataset.asked = found ? String(asked) : "";
}

/** @param {any[]} items */
function notice(items) {
  return make(
    "div",
    { class: "notice warning" },
    make("strong", {}, "Is it one of these, which the record has?"),
    make(
      "ul",
      {},
      ...items.map((each) =>
        make("li", {}, link(`/record?policy=${each.policy}`, each.title), ` (${each.why}): ${aboutPolicy(each)}`),
      ),
    ),
    make("p", { class: "small" }, "If so, record its action there, and nothing is registered twice."),
  );
}
