/**
 * What an event is about: the search for a policy, or the event with which a correction, a retraction
 * or a dispute begins.
 */

import { ask, messageOf, Problem } from "./record-api.js";
import { byId, inWords, link, make } from "./record-dom.js";
import { fieldsOf, part } from "./record-event.js";
import * as fields from "./record-fields.js";
import { aboutPolicy } from "./record-offers.js";
import { explain, form, mode, root, settled, startMode, state, target, token } from "./record-state.js";
import { byWhom, eventLine, policyCard } from "./record-words.js";

const NONE = "No policy of the record has these words, with an action or without.";

class NothingToCorrect extends Error {}

let searching = new AbortController();
let reading = new AbortController();
let loaded = false;

/** @param {string} id */
function addressOf(id) {
  return `/v1/policies/${encodeURIComponent(id)}`;
}

/**
 * Read a policy anew.
 * @param {string} id
 */
export function policyOf(id) {
  return ask(addressOf(id), { token: token() });
}

/** @param {any} policy */
function showPolicy(policy) {
  byId("chosen").replaceChildren(...policyCard(policy, true));
  byId("chosen").hidden = mode() === "register";
}

/**
 * Take a policy as the one that is meant.
 * @param {any} policy
 */
export function take(policy) {
  const former = state.subject;
  const subject = former && former.policy === policy.policy
    ? former
    : { policy: policy.policy, version: policy.version, position: policy.position };
  state.subject = subject;
  showPolicy(policy);
  if (startMode === "act") byId("found-status").textContent = `Chosen: ${policy.title}`;
  if (startMode === "describe") state.subject = { ...subject, believed: lay(part(form, "registration"), policy) };
}

/**
 * Choose one of the policies that were found: the last that is chosen counts, however late the answers.
 * @param {string} id
 */
async function choose(id) {
  const { signal } = anew();
  const { signal: searched } = searching;
  try {
    const policy = await ask(addressOf(id), { token: token(), signal });
    loaded = true;
    state.touched = true;
    take(policy);
    if (!searched.aborted) byId("found").replaceChildren();
    lookAgain();
    part(form, mode() === "relate" ? "relation" : "action").querySelector("select")?.focus();
  } catch (error) {
    if (!signal.aborted) byId("found-status").textContent = messageOf(error);
  }
}

/** Whoever looks at what stands in the form looks again. */
function lookAgain() {
  form.dispatchEvent(new Event("input"));
}

export async function search() {
  searching.abort();
  searching = new AbortController();
  const { signal } = searching;
  const words = byId("search").value.trim();
  byId("found").replaceChildren();
  if (words === "") {
    byId("found-status").textContent = "";
    return;
  }
  try {
    const { items, more: others } = await ask(`/record/policies?${new URLSearchParams({ q: words })}`, { token: token(), signal });
    if (signal.aborted) return;
    byId("found").replaceChildren(...items.map(foundItem));
    const more = others ? " More match: go on typing." : "";
    byId("found-status").textContent = items.length ? `${items.length} found.${more}` : NONE;
  } catch (error) {
    if (!signal.aborted) byId("found-status").textContent = messageOf(error);
  }
}

/** @param {any} item */
function foundItem(item) {
  const button = make("button", { type: "button" }, item.title, make("span", { class: "id" }, aboutPolicy(item)));
  button.addEventListener("click", () => choose(item.policy));
  return make("li", {}, button);
}

/** Leave off what is being read, for what is read in its place. */
function anew() {
  reading.abort();
  reading = new AbortController();
  tellLoading("");
  return reading;
}

/**
 * Read what the page begins with, as long as it could not be read: a service may want the token first. The
 * form takes meanwhile what its answer does not touch, and no more.
 */
export async function load() {
  const policy = state.subject?.policy ?? root.dataset.policy;
  if (loaded || !(target || policy)) return;
  const { signal } = anew();
  tellLoading(target ? "Loading the event …" : "Loading the policy …");
  try {
    if (target) await loadTarget(signal);
    else take(await ask(addressOf(policy), { token: token(), signal }));
    loaded = true;
    tellLoading("");
    explain();
    lookAgain();
  } catch (error) {
    if (!signal.aborted) tellLoading(messageOf(error), !(error instanceof NothingToCorrect));
  }
}

/**
 * @param {string} words
 * @param {boolean} again whether it can be tried again
 */
function tellLoading(words, again = false) {
  byId("loading").textContent = words;
  byId("load-again").hidden = !again;
}

/**
 * Read the event that is corrected, taken back or disputed, and its policy.
 * @param {AbortSignal} signal
 */
async function loadTarget(signal) {
  const event = await ask(`/v1/events/${target}`, { token: token(), signal });
  const policy = await ask(addressOf(event.policy), { token: token(), signal }).catch((error) => {
    if (error instanceof Problem && error.document.status === 410) return null; // It can be restored.
    throw error;
  });
  const item = policy?.actions.find((/** @type {any} */ each) => each.event === target);
  about(event, policy, item);
  if (startMode === "correct") begin(policy, item);
  else state.subject = { ...(state.subject ?? fresh(event, policy)), event, believed: item ? fieldsOf(item) : event.data };
}

/**
 * @param {any} event
 * @param {any} policy
 */
function fresh(event, policy) {
  return { policy: policy?.policy ?? event.policy, version: policy?.version, position: policy?.position ?? event.position };
}

/**
 * Show what the form is about.
 * @param {any} event
 * @param {any} policy
 * @param {any} item
 */
function about(event, policy, item) {
  const title = policy?.title ?? event.policy;
  byId("chosen").replaceChildren(
    make("h2", {}, eventLine(event)),
    make("p", {}, "Of ", link(`/policies/${policy?.policy ?? event.policy}`, title), `, ${byWhom(event)}.`),
    ...(item?.corrected ? [make("p", {}, "It was corrected since; the form shows what is believed now.")] : []),
    make("details", {}, make("summary", {}, "As it was recorded"), make("pre", { tabindex: "0" }, JSON.stringify(event.data, null, 2))),
  );
  byId("chosen").hidden = false;
}

/**
 * Lay what somebody changed on top of what is believed, and return that as the form's fields hold it.
 * @param {HTMLElement} section
 * @param {any} data
 */
function lay(section, data) {
  const aside = /** @type {HTMLElement} */ (section.cloneNode(true));
  fields.fill(aside, data);
  const believed = fields.read(aside); // The form's own fields are not touched for that.
  const before = state.subject?.believed;
  const mine = before ? fields.read(section) : believed;
  const changed = Object.keys({ ...mine, ...before }).filter(
    (name) => JSON.stringify(mine[name]) !== JSON.stringify((before ?? believed)[name]),
  );
  fields.fill(section, { ...data, ...Object.fromEntries(changed.map((name) => [name, mine[name]])) });
  /** @type {HTMLFieldSetElement} */ (section).disabled = false;
  return believed;
}

/**
 * Begin a correction: with what is believed, or with the draft's changes on top of it.
 * @param {any} policy
 * @param {any} item
 */
export function begin(policy, item) {
  if (!policy || !item) throw new NothingToCorrect("This is no action that the record believes, so there is nothing to correct.");
  const believed = lay(part(form, "action"), fieldsOf(item));
  state.members = item.vote?.members ?? [];
  state.subject = { ...(state.subject ?? fresh({}, policy)), event: { id: target }, believed };
  const open = policy.disputes.filter((/** @type {any} */ each) => each.event === target && each.settled_by === null);
  const marked = [...settled(), ...state.settles];
  byId("disputes").replaceChildren(...open.map((/** @type {any} */ each) => disputeChoice(each, marked.includes(each.by))));
  state.settles = [];
  byId("settling").hidden = open.length === 0;
}

/**
 * @param {any} dispute
 * @param {boolean} checked
 */
function disputeChoice(dispute, checked) {
  const who = dispute.source.publisher ?? dispute.source.title ?? dispute.source.citation ?? dispute.source.url;
  const said = dispute.claim ? `${inWords(dispute.claim.field)}: ${inWords(dispute.claim.value)}` : "otherwise";
  return make("label", { class: "choice" }, make("input", { type: "checkbox", "data-settles": dispute.by, checked }), ` ${who} says ${said}`);
}
