/**
 * What the form is about right now, and the words in which its state is told.
 */

import { byId, inWords, make, moment } from "./record-dom.js";
import { choose, newId, save, takeUp } from "./record-draft.js";
import { build, part } from "./record-event.js";
import * as fields from "./record-fields.js";
import { told } from "./record-said.js";

const GIST_CHARACTERS = 100;

export const CHANGING = new Set(["correct", "describe"]); // What they record is told as what it changes.
export const root = byId("record");
export const form = byId("form");
export const preview = byId("preview");
export const startMode = root.dataset.mode;
export const target = root.dataset.target;
export const draftName = [startMode, target || root.dataset.policy].filter(Boolean).join(".");

/**
 * @type {{
 *   subject: import("./record-event.js").Subject | null,
 *   ids: string[],
 *   members: any[],
 *   ready: string,
 *   touched: boolean,
 *   settles: string[],
 * }}
 * `ids` stay with the draft; `members` are the votes that the form does not show, `ready` is the body that
 * was tried and is shown, word for word, `touched` tells whether there is
 * anything to keep, and `settles` names the disputes that a draft settles.
 */
export const state = { subject: null, ids: [newId(), newId()], members: [], ready: "", touched: false, settles: [] };

/** What is recorded: the mode that the page began with, or a registration. */
export function mode() {
  if (startMode !== "act") return startMode;
  return form.querySelector("[name=what]:checked").value;
}

export function withAction() {
  return startMode === "act" && byId("with-action").checked;
}

export function token() {
  return byId("token").value.trim();
}

export function built() {
  const found = build(form, mode(), state.subject, state.ids, withAction());
  const vote = found.document.data?.changes?.vote;
  if (vote && state.members.length) vote.members = state.members;
  return found;
}

/** @param {string} words */
export function say(words) {
  byId("state").textContent = words;
}

/** Show the parts of the form that the mode has. */
export function arrange() {
  if (startMode !== "act") return;
  const registers = mode() === "register";
  show(byId("choose"), !registers);
  show(part(form, "registration"), registers);
  show(part(form, "relation"), mode() === "relate");
  show(part(form, "action"), mode() === "act" || (registers && withAction()));
  byId("chosen").hidden = registers || !byId("chosen").hasChildNodes();
}

/**
 * @param {HTMLElement} section
 * @param {boolean} shown
 */
function show(section, shown) {
  section.hidden = !shown;
  /** @type {HTMLFieldSetElement} */ (section).disabled = !shown;
}

/** Say what a chosen word means. */
export function explain() {
  for (const hint of form.querySelectorAll("[data-describes]")) {
    const select = hint.closest(".line").querySelector("select");
    hint.textContent = select.selectedOptions[0]?.dataset.described ?? "";
  }
  const field = form.querySelector("#believed") && part(form, "stance").querySelector("select");
  if (field) {
    const value = state.subject?.believed?.[field.value];
    byId("believed").textContent = field.value ? `The record holds: ${inWords(value)}` : "";
    byId("claim").hidden = form.querySelector("[name=stance]:checked").value !== "disputes";
  }
}

export function hideProblem() {
  byId("problem").hidden = true;
  byId("problem").replaceChildren();
}

/** @param {import("./record-event.js").Built} found */
export function showDocument(found) {
  byId("fields").replaceChildren(...told(found, CHANGING.has(mode())));
  byId("json").textContent = JSON.stringify(found.document, null, 2);
}

/** @param {string} body */
export function become(body) {
  state.ready = body;
  preview.classList.toggle("ready", body !== "");
  if (body === "") byId("differences").replaceChildren();
}

/** Keep what somebody gave as a draft. */
export function keep() {
  if (!state.touched) return;
  const kept = Object.fromEntries(
    [...form.querySelectorAll("[data-section]")].map((each) => [each.dataset.section, fields.read(each)]),
  );
  save(draftName, {
    fields: kept,
    ids: state.ids,
    subject: state.subject && { ...state.subject, event: undefined },
    what: mode(),
    withAction: withAction(),
    stance: form.querySelector("[name=stance]:checked")?.value,
    settles: settled(),
  });
}

/** Return the disputes that are marked as settled. */
export function settled() {
  return [...form.querySelectorAll("[data-settles]:checked")].map((each) => each.dataset.settles);
}

/** Show a draft; returns whether there was one. */
export function restore() {
  const { draft, others } = takeUp(draftName);
  offer(others);
  if (draft === null) return false;
  state.ids = draft.ids;
  state.touched = true;
  state.settles = draft.settles ?? [];
  for (const each of form.querySelectorAll("[data-section]")) fields.fill(each, draft.fields[each.dataset.section]);
  for (const [name, value] of [["what", draft.what], ["stance", draft.stance]]) {
    const radio = form.querySelector(`[name=${name}][value=${value}]`);
    if (radio) radio.checked = true;
  }
  if (startMode === "act") byId("with-action").checked = draft.withAction;
  state.subject = draft.subject ?? null;
  byId("kept-words").textContent = `Your draft of ${when(draft)} is here again.`;
  byId("kept").hidden = false;
  return true;
}

/**
 * Offer the drafts that were begun at this address in other tabs, or before.
 * @param {{key: string, kept: any}[]} others
 */
function offer(others) {
  const items = others.map(({ key, kept }) => {
    const button = make("button", { type: "button" }, `Take up the draft of ${when(kept)}`);
    button.addEventListener("click", () => {
      keep();
      state.touched = false; // What is kept when the page is left would be this tab's draft again.
      choose(draftName, key);
      location.reload();
    });
    return make("li", {}, button, ` ${gist(kept.fields)}`);
  });
  byId("others").replaceChildren("Other drafts are kept:", make("ul", {}, ...items));
  byId("others").hidden = items.length === 0;
}

/** @param {any} kept */
function when(kept) {
  return moment(new Date(kept.at).toISOString());
}

/**
 * Return the first words of what was typed.
 * @param {any} typed
 * @returns {string}
 */
function gist(typed) {
  /** @type {(each: any) => any} */
  const words = (each) => (each && typeof each === "object" ? Object.values(each).flatMap(words) : each);
  return [words(typed)].flat().filter((each) => typeof each === "string" && each).join(", ").slice(0, GIST_CHARACTERS);
}
