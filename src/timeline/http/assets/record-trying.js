/**
 * Trying what would be sent: a dry run of the very document, and what is said about its answer, so that
 * the form knows no rules of its own.
 */

import { tellAlike } from "./record-alike.js";
import { ask, eventsOf, messageOf, NoAnswer, Problem } from "./record-api.js";
import { changes } from "./record-changes.js";
import { byId, link, make } from "./record-dom.js";
import { tellDates } from "./record-dates.js";
import { forget, newId } from "./record-draft.js";
import * as fields from "./record-fields.js";
import { tellPlaces } from "./record-offers.js";
import {
  CHANGING,
  become,
  built,
  draftName,
  form,
  hideProblem,
  keep,
  mode,
  preview,
  say,
  showDocument,
  startMode,
  state,
  target,
  token,
} from "./record-state.js";
import { begin, policyOf, take } from "./record-subject.js";
import { differences, meanwhile, whereTheyAre } from "./record-words.js";

const PAUSE_MS = 350; // After the last key, before what is typed is looked at.
const EVENTS = "/v1/events";

let timer = 0;
let asking = new AbortController();

/** Ask no more about what stood in the form. */
export function leaveOff() {
  clearTimeout(timer);
  asking.abort();
}

/** Look at what stands in the form, a moment after the last key. */
export function look() {
  leaveOff();
  become("");
  showDocument(built());
  timer = setTimeout(() => check(false), PAUSE_MS);
}

/**
 * Try what would be sent.
 * @param {boolean} pressed whether someone waits for the result, who is led to what is wrong
 */
export async function check(pressed) {
  leaveOff();
  asking = new AbortController();
  const { signal } = asking;
  const found = built();
  const body = JSON.stringify(found.document);
  showDocument(found);
  keep();
  const blank = fields.missing(form);
  const needed = [...(token() ? [] : ["Token"]), ...found.wanting, ...blank.map(fields.nameOf), ...withoutSource()];
  fields.acquit(form);
  hideProblem();
  await Promise.all([
    tellDates(form, token(), signal),
    tellPlaces(form, token(), signal),
    tellAlike(registered(found), token(), signal),
  ]);
  if (signal.aborted) return;
  if (!token() || (target && !state.subject?.event)) {
    lack(needed, [byId("token"), ...blank], pressed);
    return;
  }
  say("Looking at it …");
  try {
    const probed = probe(found, needed);
    const tried = await ask(`${EVENTS}?dry_run=true`, { token: token(), body: JSON.stringify(probed), signal });
    const events = eventsOf(tried, probed);
    if (needed.length) lack(needed, blank, pressed);
    else if (tried.known) finish(events, "This was recorded already");
    else {
      const changed = CHANGING.has(mode()) ? await changes(found, state.subject?.believed, token(), signal) : [];
      if (signal.aborted) return;
      byId("conflict").hidden = true;
      become(body);
      byId("differences").replaceChildren(...changed, ...differences(tried));
      say("Nothing is recorded yet. This is what would become of the record:");
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!(await refused(error, found, needed, pressed))) lack(needed, blank, pressed);
  }
}

/**
 * Return the data with which a policy would be registered.
 * @param {{document: any}} found
 */
function registered({ document }) {
  return mode() === "register" ? (document.events?.[0] ?? document).data : null;
}

/** Return what is said where a source is needed and there is none. */
function withoutSource() {
  const list = form.querySelector("[data-list=sources][data-least='1']");
  return list && fields.readList(list).length === 0 ? ["A source"] : [];
}

/**
 * Return what can be tried of a document that is not complete: its action by itself, so that its dates
 * are judged while the policy has no title yet.
 * @param {{document: any}} found
 * @param {string[]} needed
 */
function probe({ document }, needed) {
  if (needed.length === 0 || !document.events) return document;
  return { ...document.events[1], policy: "not-chosen-yet" };
}

/**
 * Say what is still needed.
 * @param {string[]} needed
 * @param {any[]} controls
 * @param {boolean} pressed
 */
function lack(needed, controls, pressed) {
  say(needed.length ? `Still needed: ${needed.join(", ")}.` : "");
  if (!pressed || needed.length === 0) return;
  for (const each of controls) fields.accuse(each, "This is needed.");
  summarise("It cannot be recorded yet", needed.map((name) => [name, controls.find((each) => nameOf(each) === name)]));
}

/** @param {any} control */
function nameOf(control) {
  return control.id === "token" ? "Token" : fields.nameOf(control);
}

/**
 * Say what is wrong, all of it in one place, and lead the keyboard there.
 * @param {string} title
 * @param {[string, any?][]} items what is wrong, and at which control
 * @param {...Node} more
 */
export function summarise(title, items, ...more) {
  const list = items.map(([words, control]) => {
    if (!control) return make("li", {}, words);
    control.id ||= `field-${newId()}`;
    const to = link(`#${control.id}`, words);
    to.addEventListener("click", (event) => {
      event.preventDefault();
      open(control);
      control.focus();
    });
    return make("li", {}, to);
  });
  byId("problem").replaceChildren(make("strong", {}, title), make("ul", {}, ...list), ...more);
  byId("problem").hidden = false;
  byId("problem").focus();
}

/** @param {HTMLElement} control */
function open(control) {
  control.closest("details")?.setAttribute("open", "");
}

/**
 * Show why the service refuses something; returns false where it is no more than what is missing.
 * @param {any} error
 * @param {import("./record-event.js").Built} found
 * @param {string[]} needed
 * @param {boolean} pressed
 */
export async function refused(error, found, needed, pressed) {
  become("");
  if (!(error instanceof Problem)) {
    const words = error instanceof NoAnswer ? error.message : `This page went wrong: ${error}`;
    say(words);
    if (pressed) summarise("Nothing is known to be recorded", [[words]]);
    return true;
  }
  if (needed.length && error.slug === "policy-not-registered") return false;
  if (error.slug === "wrong-expected-version" && mode() !== "register") {
    await conflict(error);
    return true;
  }
  const probed = needed.length > 0 && found.document.events;
  const path = error.field === null ? "" : `${probed ? "events[1]." : ""}${error.field}`;
  const control = error.slug.startsWith("token-") ? byId("token") : fields.controlAt(found.places, path);
  if (control && fields.isBlank(control) && needed.length) return false;
  if (control) {
    open(control);
    fields.accuse(control, error.message);
  }
  const words = control ? `${nameOf(control)}: ${error.message}` : error.detail;
  say(`It would be refused. ${words}`);
  if (pressed) {
    summarise("The service refuses it", [[words, control]], make("p", {}, adviceOf(error)));
  }
  return true;
}

/**
 * Return what can be done about a problem, as its type tells.
 * @param {Problem} error
 */
function adviceOf(error) {
  const more = link(`/problems/${error.slug}`, "What this means");
  if (error.slug === "policy-already-registered" || error.slug === "wrong-expected-version") {
    const { document } = built();
    const there = encodeURIComponent(document.events?.[0].policy ?? document.policy);
    return make("span", {}, link(`/record?policy=${there}`, "Record an action of the policy that is there"), ". ", more);
  }
  if (error.slug === "id-conflict") {
    const anew = make("button", { type: "button" }, "Record it as another event");
    anew.addEventListener("click", async () => {
      state.ids = [newId(), newId()];
      await check(true);
      if (state.ready) preview.focus();
    });
    const recorded = link(`/audit/events/${state.ids[0]}`, "what is recorded");
    return make("span", {}, "An earlier state of this draft is recorded already: look at ", recorded, ". ", anew, " ", more);
  }
  return more;
}

/**
 * Show what others recorded meanwhile, and offer to go on from there.
 * @param {Problem} error
 */
async function conflict(error) {
  if (state.subject === null) return;
  const { policy, version, position } = state.subject;
  const asked = new URLSearchParams({ policy, after: String(position), limit: "50" });
  const others = await ask(`${EVENTS}?${asked}`, { token: token() }).catch(() => ({ items: [] }));
  const actual = error.document.actual;
  const button = make("button", { type: "button" }, `Go on at version ${actual}`);
  button.addEventListener("click", goOn);
  byId("conflict").replaceChildren(
    make("strong", {}, "Someone else was faster"),
    make("p", {}, `Your draft is kept, and nothing of it is recorded. You saw version ${version} of the policy; it is at version ${actual} now. Recorded meanwhile:`),
    meanwhile(others.items),
    make("p", {}, button),
  );
  byId("conflict").hidden = false;
  say("Someone else recorded an event of this policy. Look at what is new, then go on.");
  byId("conflict").focus();
}

/** Go on with the draft on what the record holds now. */
async function goOn() {
  if (state.subject === null) return;
  try {
    const policy = await policyOf(state.subject.policy);
    if (startMode === "correct") begin(policy, policy.actions.find((/** @type {any} */ each) => each.event === target));
    if (!target) take(policy);
    state.subject = { ...state.subject, version: policy.version, position: policy.position };
    byId("conflict").hidden = true;
    await check(true);
    if (state.ready) preview.focus();
  } catch (error) {
    say(messageOf(error));
  }
}

/**
 * Show where events are recorded; the draft is done.
 * @param {any[]} events
 * @param {string} title
 */
export function finish(events, title) {
  leaveOff();
  const again = link(`/record?policy=${encodeURIComponent(events[0].policy)}`, "Record another action of this policy");
  byId("done").replaceChildren(make("h2", { id: "done-title" }, title), whereTheyAre(events), make("p", {}, again));
  form.hidden = true;
  byId("done").hidden = false;
  byId("done").focus();
  // At the very end: whatever goes wrong before, what was typed is kept.
  state.touched = false;
  forget(draftName);
}
