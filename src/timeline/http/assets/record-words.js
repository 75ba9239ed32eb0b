/**
 * What the service answers, in words: a policy, an event, what would become of them, what others
 * recorded meanwhile.
 */

import { axisValue, byId, inWords, link, make, moment, plain } from "./record-dom.js";

const AXES = ["stage", "force", "force_reason", "litigation", "in_force"];
const WORDED = new Set([...AXES, "instrument"]); // What the vocabulary has the words of.
const MOST = 20; // Policies, actions or events that are listed; the policy's page has all of them.

/**
 * Return a policy as a card shows it.
 * @param {any} policy as `/v1/policies/{policy}` answers it
 * @param {boolean} offering with what can be done about its actions
 */
export function policyCard(policy, offering) {
  const card = [
    make("h2", {}, link(`/policies/${policy.policy}`, policy.title)),
    make("span", { class: "id" }, `${policy.policy}, version ${policy.version}`),
    make("p", {}, axisValue(policy.force), " ", axisValue(policy.litigation === "none" ? null : policy.litigation)),
  ];
  if (policy.litigation === "none") card[2].lastChild?.remove();
  if (!offering) return card;
  card.push(make("p", { class: "small" }, about(policy, "describe", "Describe it anew"), " ", about(policy, "merge", "Fold a duplicate into it")));
  if (policy.actions.length) card.push(actionsOf(policy));
  return card;
}

/**
 * Return a link to the form that records something of a policy.
 * @param {any} policy
 * @param {string} mode
 * @param {string} words
 */
function about(policy, mode, words) {
  return link(`/record?${mode}=${encodeURIComponent(policy.policy)}`, words);
}

/** @param {any} policy */
function actionsOf(policy) {
  const actions = policy.actions.slice(-MOST);
  const items = actions.map((/** @type {any} */ each) =>
    make(
      "li",
      {},
      `${each.occurred.edtf}: ${inWords(each.action)} `,
      ...[["correct", "Correct"], ["retract", "Take back"], ["dispute", "Add a source"]].map(([name, words]) => {
        const to = link(`/record?${name}=${each.event}`, words);
        to.setAttribute("aria-label", `${words}: ${inWords(each.action)}, ${each.occurred.edtf}`);
        return to;
      }),
    ),
  );
  const words = policy.actions.length > MOST ? `Its last ${MOST} actions` : "Its actions so far";
  return make("details", {}, make("summary", {}, words), make("ul", {}, ...items));
}

/**
 * Return what an event says, in a line.
 * @param {any} event as `/v1/events` answers it
 */
export function eventLine(event) {
  const data = event.data ?? {};
  const about = data.action ?? data.relation ?? data.title ?? data.reason ?? data.stance ?? "";
  const when = data.occurred ? ` (${data.occurred})` : "";
  const what = about ? `: ${inWords(about)}${when}` : "";
  return `${kindOf(event.type)}${what}`;
}

/**
 * Return who recorded an event, and when.
 * @param {any} event
 */
export function byWhom(event) {
  return `recorded by ${event.recorded_by} on ${moment(event.recorded_at)}, position ${event.position}`;
}

const KINDS = /** @type {Record<string, string>} */ (JSON.parse(byId("record").dataset.happenings ?? "{}"));

/** @param {string} type */
export function kindOf(type) {
  return KINDS[type] ?? type;
}

/**
 * Return what would become of policies.
 * @param {any} tried what a dry run answers
 */
export function differences(tried) {
  const shown = tried.policies.slice(0, MOST).map((/** @type {any} */ each) => difference(each, tried.as_of));
  if (tried.policies.length > MOST || tried.truncated.length) {
    shown.push(make("p", {}, "More policies would change than are shown here."));
  }
  return shown;
}

/**
 * @param {any} one
 * @param {string} day
 */
function difference(one, day) {
  const box = make("div", { class: "difference" }, make("h3", {}, one.title));
  if (one.before === null) {
    box.append(make("p", {}, `It would be in the record, and on ${day}:`), state(one.after));
    return box;
  }
  const changed = Object.entries(one.changed).filter(([name]) => name !== "version" && name !== "decided_by");
  if (changed.length === 0) {
    box.append(make("p", {}, `What holds on ${day} would stay as it is: `), state(one.after));
    return box;
  }
  const items = changed.flatMap(([name, [before, after]]) => {
    if (name === "possible") return doubts(before, after);
    const tell = WORDED.has(name) ? inWords : (/** @type {any} */ value) => plain(value);
    return [become(name.replaceAll("_", " "), tell(before), tell(after))];
  });
  box.append(make("p", {}, `On ${day}:`), make("ul", {}, ...items));
  return box;
}

/**
 * @param {string} what
 * @param {string} before
 * @param {string} after
 */
function become(what, before, after) {
  return make("li", {}, `${what}: `, make("del", {}, before), " would become ", make("ins", {}, after));
}

/**
 * Return what would become of the doubt about each axis.
 * @param {Record<string, string[]>} before the values that are possible, where they are several
 * @param {Record<string, string[]>} after
 */
function doubts(before, after) {
  const tell = (/** @type {string[] | undefined} */ values) =>
    values ? values.map(inWords).join(" or ") : "none";
  return Object.keys({ ...before, ...after })
    .filter((name) => String(before[name]) !== String(after[name]))
    .map((name) => become(`doubt about ${name.replaceAll("_", " ")}`, tell(before[name]), tell(after[name])));
}

/** @param {any} policy */
function state(policy) {
  return make(
    "ul",
    {},
    ...AXES.filter((name) => policy[name] !== null).map((name) =>
      make("li", {}, `${name.replaceAll("_", " ")}: `, axisValue(policy[name])),
    ),
  );
}

/**
 * Return where events that are recorded can be looked at.
 * @param {{id: string, policy: string, position: number, type: string}[]} events
 */
export function whereTheyAre(events) {
  return make(
    "ul",
    {},
    ...events.map((each) =>
      make(
        "li",
        {},
        `${kindOf(each.type)} at position ${each.position}: `,
        link(`/policies/${each.policy}`, "its policy"),
        ", ",
        link(`/audit/events/${each.id}`, "the event and its proof"),
      ),
    ),
  );
}

/**
 * Return what others recorded of a policy.
 * @param {any[]} events
 */
export function meanwhile(events) {
  const items = events
    .slice(0, MOST)
    .map((each) => make("li", {}, link(`/audit/events/${each.id}`, eventLine(each)), `, ${byWhom(each)}`));
  if (events.length > MOST) items.push(make("li", {}, "and more"));
  return make("ul", {}, ...items);
}
