/**
 * The form on which editors record: what happens when.
 *
 * The document is shown before it is sent, word for word, and its ids stay with the draft: what is sent
 * twice, by a double click or after a lost answer, is recorded once.
 */

import { ask, eventsOf, NoAnswer } from "./record-api.js";
import { byId } from "./record-dom.js";
import { forget, keepToken, keptToken } from "./record-draft.js";
import { idOf, part } from "./record-event.js";
import * as fields from "./record-fields.js";
import { offering } from "./record-offers.js";
import {
  arrange,
  built,
  draftName,
  explain,
  form,
  hideProblem,
  keep,
  preview,
  restore,
  root,
  say,
  showDocument,
  state,
  token,
} from "./record-state.js";
import { load, search } from "./record-subject.js";
import { check, finish, leaveOff, look, refused, summarise } from "./record-trying.js";

const PAUSE_MS = 350; // After the last key, before a search.

let sending = false;
let suggested = "";
let searchTimer = 0;
let tokenTimer = 0;

/** Record what is shown; what is not shown yet is shown first. */
async function submit() {
  if (sending) return;
  const found = built();
  const body = JSON.stringify(found.document);
  if (state.ready !== body) {
    await check(true);
    if (state.ready === body) {
      say("Look it over, then press again to record it. This is what would become of the record:");
      preview.focus();
    }
    return;
  }
  sending = true;
  leaveOff();
  hold();
  hideProblem();
  say("Recording …");
  try {
    const recorded = await ask("/v1/events", { token: token(), body, again: true });
    finish(eventsOf(recorded, found.document), "Recorded");
  } catch (error) {
    if (error instanceof NoAnswer) {
      const words = "No answer came, so it may be recorded or not. Your draft is kept: press again, and it is recorded once.";
      say(words);
      summarise("Nobody knows yet", [[words]]);
    } else {
      await refused(error, found, [], true);
    }
  } finally {
    sending = false;
    hold();
  }
}

/** Take nothing while it is sent, which would be in no event; take it again afterwards. */
function hold() {
  byId("send").setAttribute("aria-disabled", String(sending));
  for (const each of form.querySelectorAll("#form > fieldset")) each.inert = sending;
}

form.addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  submit();
});

form.addEventListener("input", (/** @type {any} */ event) => {
  const control = event.target;
  if (control.id === "search") {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(search, PAUSE_MS);
    return;
  }
  if (control.id === "token") {
    keepToken(token());
    clearTimeout(tokenTimer);
    tokenTimer = setTimeout(load, PAUSE_MS); // Reading may need it, too.
  } else if (control !== form) state.touched = true;
  if (control.dataset.path === "title") suggest();
  arrange();
  explain();
  look();
});

form.addEventListener("click", (/** @type {any} */ event) => {
  const button = event.target.closest("button");
  if (button?.dataset.add) {
    const item = fields.add(form.querySelector(`[data-list=${button.dataset.add}]`));
    /** @type {any} */ (item.querySelector("[data-path]")).focus();
  } else if (button?.hasAttribute("data-remove")) {
    fields.remove(button.closest("[data-item]")).focus();
    state.touched = true;
    look();
  } else if (button?.id === "load-again") {
    load();
  } else if (button?.id === "discard") {
    leaveOff();
    state.touched = false;
    forget(draftName);
    location.reload();
  }
});

form.addEventListener("keydown", (/** @type {any} */ event) => {
  // Enter in the search chooses; it does not send what is not chosen yet.
  if (event.key !== "Enter" || event.target.id !== "search") return;
  event.preventDefault();
  byId("found").querySelector("button")?.focus();
});

offering(form, token, look);

/** Suggest an id, as long as nobody has given another. */
function suggest() {
  const section = part(form, "registration");
  const control = /** @type {any} */ (section?.querySelector("[data-path=policy]"));
  if (!control || (control.value !== suggested && control.value !== "")) return;
  const title = /** @type {any} */ (section.querySelector("[data-path=title]")).value;
  suggested = idOf(title);
  control.value = suggested;
}

// What was typed just before the page is left is in the draft, too.
addEventListener("pagehide", keep);

function start() {
  byId("token").value = keptToken();
  for (const list of form.querySelectorAll("[data-list]")) fields.complete(list);
  fields.describeAll(form);
  const restored = restore();
  arrange();
  byId("without").hidden = true; // Also where this script is not loaded, the page says what to do.
  root.hidden = false;
  explain();
  showDocument(built());
  say(token() ? "Nothing is given yet." : "Give your token and what happened; it is looked at while you type.");
  if (restored) look();
  load();
}

start();
