/**
 * From the form to the document that is sent: the one place that knows which fields make which event.
 */

import { read, readList } from "./record-fields.js";

/**
 * @typedef {object} Subject what the form is about, as the record has it
 * @property {string} policy
 * @property {number} version
 * @property {number} position up to which the record was looked at
 * @property {any} [event] the event that is corrected, retracted or disputed
 * @property {any} [believed] the action's fields as the form showed them first
 */

/**
 * @typedef {object} Built
 * @property {any} document what is sent
 * @property {Map<string, any>} places which control's value stands where
 * @property {string[]} wanting what has to be chosen first, in words
 */

/**
 * Build what is to be recorded.
 * @param {HTMLFormElement} form
 * @param {string} mode act, register, relate, correct, retract, dispute, describe or merge
 * @param {Subject | null} subject
 * @param {string[]} ids of the events
 * @param {boolean} withAction of a registration
 * @returns {Built}
 */
export function build(form, mode, subject, ids, withAction) {
  const places = new Map();
  const wanting = /** @type {string[]} */ ([]);
  if (mode === "register") {
    return { document: registration(form, ids, withAction, places), places, wanting };
  }
  if (subject === null || (OF_EVENT.has(mode) && !subject.event)) wanting.push(OF_EVENT.has(mode) ? "the event" : "a policy");
  const document = {
    id: ids[0],
    policy: subject?.policy ?? "not-chosen-yet",
    type: TYPES[mode],
    ...(subject ? { expected_version: subject.version } : {}),
    data: DATA[mode](form, subject, places, wanting),
  };
  return { document, places, wanting };
}

/** @type {Record<string, string>} */
const TYPES = {
  act: "ActionRecorded",
  relate: "RelationAsserted",
  correct: "ActionCorrected",
  retract: "EventRetracted",
  dispute: "SourceAttached",
  describe: "PolicyDescribed",
  merge: "PoliciesMerged",
};

const OF_EVENT = new Set(["correct", "retract", "dispute"]);

/** @type {Record<string, (form: HTMLFormElement, subject: Subject | null, places: Map<string, any>, wanting: string[]) => any>} */
const DATA = {
  act: (form, _, places) => action(form, "data.", places),
  relate: relation,
  correct: correction,
  retract: (form, subject, places) => ({ event: subject?.event?.id, ...read(part(form, "reason"), "data.", places) }),
  dispute: attachment,
  describe: description,
  merge: (form, _, places) => ({ ...read(part(form, "merging"), "data.", places), ...read(part(form, "reason"), "data.", places) }),
};

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLElement}
 */
export function part(form, name) {
  return /** @type {HTMLElement} */ (form.querySelector(`[data-section=${name}]`));
}

/**
 * @param {HTMLFormElement} form
 * @param {string} prefix
 * @param {Map<string, any>} places
 */
function sources(form, prefix, places) {
  return readList(/** @type {HTMLElement} */ (form.querySelector("[data-list=sources]")), prefix, places);
}

/**
 * @param {HTMLFormElement} form
 * @param {string} prefix
 * @param {Map<string, any>} places
 */
function action(form, prefix, places) {
  // Dates go before sources, so that what is wrong with a date is said while there is no source yet.
  return { ...read(part(form, "action"), prefix, places), sources: sources(form, prefix, places) };
}

/**
 * @param {HTMLFormElement} form
 * @param {Subject | null} _
 * @param {Map<string, any>} places
 * @param {string[]} wanting
 */
function relation(form, _, places, wanting) {
  const data = { target: {}, ...read(part(form, "relation"), "data.", places) };
  places.set("data.target", places.get("data.target.policy"));
  if (Object.keys(data.target).length === 0) wanting.push("what it bears on");
  return { ...data, sources: sources(form, "data.", places) };
}

/**
 * @param {HTMLFormElement} form
 * @param {string[]} ids
 * @param {boolean} withAction
 * @param {Map<string, any>} places
 */
function registration(form, ids, withAction, places) {
  const at = withAction ? "events[0]." : "";
  const data = read(part(form, "registration"), `${at}data.`, places);
  const { policy = "" } = data;
  delete data.policy;
  places.set(`${at}policy`, places.get(`${at}data.policy`));
  data.sources = sources(form, `${at}data.`, places);
  const registered = { id: ids[0], policy, type: "PolicyRegistered", expected_version: "new", data };
  if (!withAction) return registered;
  const acted = { id: ids[1], policy, type: "ActionRecorded", data: action(form, "events[1].data.", places) };
  return { events: [registered, acted] };
}

/**
 * @param {HTMLFormElement} form
 * @param {Subject | null} subject
 * @param {Map<string, any>} places
 * @param {string[]} wanting
 */
function correction(form, subject, places, wanting) {
  const now = read(part(form, "action"), "data.changes.", places);
  const changes = subject ? changesBetween(subject.believed, now) : {};
  const settled = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-settles]:checked")]);
  const added = sources(form, "data.", places);
  if (Object.keys(changes).length + settled.length + added.length === 0) wanting.push("a change");
  return {
    event: subject?.event?.id,
    changes,
    ...(settled.length ? { settles: settled.map((each) => each.dataset.settles) } : {}),
    ...read(part(form, "reason"), "data.", places),
    ...(added.length ? { sources: added } : {}),
  };
}

/**
 * @param {HTMLFormElement} form
 * @param {Subject | null} subject
 * @param {Map<string, any>} places
 * @param {string[]} wanting
 */
function description(form, subject, places, wanting) {
  const now = read(part(form, "registration"), "data.", places);
  const changes = subject?.believed ? changesBetween(subject.believed, now) : {};
  for (const name of ["identifiers", "topics"]) if (changes[name] === null) changes[name] = [];
  if (Object.keys(changes).length === 0) wanting.push("a change");
  return { ...changes, ...read(part(form, "reason"), "data.", places) };
}

/**
 * Return the fields that differ; one that is blank now is cleared by null.
 * @param {any} before
 * @param {any} now
 */
function changesBetween(before, now) {
  /** @type {any} */
  const changes = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (JSON.stringify(before[name]) !== JSON.stringify(now[name])) changes[name] = now[name] ?? null;
  }
  return changes;
}

/**
 * @param {HTMLFormElement} form
 * @param {Subject | null} subject
 * @param {Map<string, any>} places
 */
function attachment(form, subject, places) {
  const [source = {}] = sources(form, "data.", places);
  for (const [path, control] of [...places]) {
    // The form has a list of one.
    places.set(path.replace(/^data\.sources(\[0\])?/, "data.source"), control);
  }
  const stance = /** @type {HTMLInputElement} */ (form.querySelector("[name=stance]:checked")).value;
  const data = { event: subject?.event?.id, source, stance };
  if (stance !== "disputes") return data;
  const claim = read(part(form, "stance"), "data.claim.", places);
  return { ...data, claim: { field: claim.field ?? "", value: claim.value ?? null } };
}

/**
 * Return the id that a title suggests.
 * @param {string} title
 */
export function idOf(title) {
  const plain = title.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 80).replace(/-+$/, "");
}

/**
 * Return an action of the record as the form's fields hold it.
 * @param {any} item as a policy's `actions` have it
 */
export function fieldsOf(item) {
  const citation = item.by?.citation;
  return {
    ...item,
    occurred: item.occurred.edtf,
    effective: item.effective?.edtf,
    until: item.until?.edtf,
    scope: item.scope === "full" ? "" : item.scope,
    by: item.by && { ...item.by, citation: citation?.scheme ? `${citation.scheme}:${citation.value}` : citation },
  };
}
