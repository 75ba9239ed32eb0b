/**
 * What an event is about: the search for a policy, or the event with which a correction, a retraction
 * or a dispute begins.
 */

import { ask, messageOf, Problem } from "./record-api.js";
import { byId, inWords, link, make } from "./record-dom.js";
import { fieldsOf, idOf, part } from "./record-event.js";
import * as fields from "./record-fields.js";
import { explain, form, mode, say, startMode, state, target, token } from "./record-state.js";
import { byWhom, eventLine, policyCard } from "./record-words.js";

const FOUND = 8; // Policies that a search shows: more is no choice.
export const EVER = "9999-12-31"; // Policies whose first action is still to come are found, too.

const ID = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const NONE = "No policy with an action has that in its title. One without an action yet is found by its whole id, or where its title gives that id.";

let searching = new AbortController();

/**
 * Read a policy anew.
 * @param {string} id
 */
export function policyOf(id) {
  return ask(`/v1/policies/${encodeURIComponent(id)}`, { token: token() });
}

/** @param {any} policy */
export function showPolicy(policy) {
  byId("chosen").replaceChildren(...policyCard(policy, true));
  byId("chosen").hidden = mode() === "register";
}

/**
 * Take a policy as the one that is meant.
 * @param {string} id
 */
export async function choose(id) {
  try {
    const policy = await policyOf(id);
    if (policy.policy !== state.subject?.policy) {
      state.subject = { policy: policy.policy, version: policy.version, position: policy.position };
    }
    showPolicy(policy);
    byId("found").replaceChildren();
    byId("found-status").textContent = `Chosen: ${policy.title}`;
  } catch (error) {
    byId("found-status").textContent = messageOf(error);
  }
  form.dispatchEvent(new Event("input")); // Whoever looks at what stands in it looks again.
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
  const asked = new URLSearchParams({ q: words, limit: String(FOUND), as_of: EVER });
  try {
    const page = await ask(`/v1/policies?${asked}`, { token: token(), signal });
    const items = page.items;
    if (items.length === 0) items.push(...(await registeredAs(words)));
    if (signal.aborted) return;
    byId("found").replaceChildren(...items.map(foundItem));
    const more = page.next === null ? "" : " More match: go on typing.";
    byId("found-status").textContent = items.length ? `${items.length} found.${more}` : NONE;
  } catch (error) {
    if (!signal.aborted) byId("found-status").textContent = messageOf(error);
  }
}

/**
 * Return the policy whose id was given, or that its title suggests: listings leave out what has no action yet.
 * @param {string} words
 */
async function registeredAs(words) {
  const id = ID.test(words) ? words : idOf(words);
  const one = id && (await policyOf(id).catch(() => null));
  return one ? [one] : [];
}

/** @param {any} item */
function foundItem(item) {
  const button = make("button", { type: "button" }, item.title, make("span", { class: "id" }, `${inWords(item.instrument)}, ${item.policy}`));
  button.addEventListener("click", async () => {
    await choose(item.policy);
    part(form, "action").querySelector("select")?.focus();
  });
  return make("li", {}, button);
}

/** Read the event that is corrected, taken back or disputed, and its policy. */
export async function loadTarget() {
  if (!target || state.subject?.event) return;
  try {
    const event = await ask(`/v1/events/${target}`, { token: token() });
    const policy = await policyOf(event.policy).catch((error) => {
      if (error instanceof Problem && error.document.status === 410) return null; // It can be restored.
      throw error;
    });
    const item = policy?.actions.find((/** @type {any} */ each) => each.event === target);
    about(event, policy, item);
    if (startMode === "correct") begin(policy, item);
    else state.subject = { ...(state.subject ?? fresh(event, policy)), event, believed: item ? fieldsOf(item) : event.data };
  } catch (error) {
    say(messageOf(error));
  }
  explain();
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
 * Begin a correction: with what is believed, or with the draft's changes on top of it.
 * @param {any} policy
 * @param {any} item
 */
export function begin(policy, item) {
  if (!policy || !item) {
    say("This is no action that the record believes, so there is nothing to correct.");
    return;
  }
  const section = part(form, "action");
  const mine = state.subject ? fields.read(section) : null;
  fields.fill(section, fieldsOf(item));
  const believed = fields.read(section);
  if (state.subject && mine) {
    const changed = Object.keys({ ...mine, ...state.subject.believed }).filter(
      (name) => JSON.stringify(mine[name]) !== JSON.stringify(state.subject?.believed?.[name]),
    );
    fields.fill(section, { ...fieldsOf(item), ...Object.fromEntries(changed.map((name) => [name, mine[name]])) });
  }
  state.members = item.vote?.members ?? [];
  state.subject = { ...(state.subject ?? fresh({}, policy)), event: { id: target }, believed };
  const open = policy.disputes.filter((/** @type {any} */ each) => each.event === target && each.settled_by === null);
  byId("disputes").replaceChildren(...open.map(disputeChoice));
  byId("settling").hidden = open.length === 0;
}

/** @param {any} dispute */
function disputeChoice(dispute) {
  const who = dispute.source.publisher ?? dispute.source.title ?? dispute.source.citation ?? dispute.source.url;
  const said = dispute.claim ? `${inWords(dispute.claim.field)}: ${inWords(dispute.claim.value)}` : "otherwise";
  return make("label", { class: "choice" }, make("input", { type: "checkbox", "data-settles": dispute.by }), ` ${who} says ${said}`);
}
