/**
 * Fields that offer what the record has while someone types a name: places and policies. What stands in
 * the field is an id, chosen or typed; beside it stands what the id means.
 *
 * The pattern is ARIA's combobox with a list: arrows move, Enter chooses what is pointed at and else leaves
 * what is typed, Escape closes.
 */

import { ask, Problem } from "./record-api.js";
import { byId, inWords, make } from "./record-dom.js";
import * as fields from "./record-fields.js";

const PAUSE_MS = 250; // After the last key, before it is searched.
const MOST_KEPT = 200; // Ids whose meaning is remembered: far more than one form has.
const DIVISION = "ocd-division/";

/** @typedef {{value: string, words: string, more: string}} Offer */

/** @type {Record<string, {path: string, none: string, offer: (item: any) => Offer}>} */
const KINDS = {
  places: {
    path: "/record/places",
    none: "The record has no place of that name. A new one is given by its id: how to make it is told below.",
    offer: (item) => ({ value: item.jurisdiction, words: item.name, more: item.jurisdiction }),
  },
  policies: {
    path: "/record/policies",
    none: "No policy of the record has these words.",
    offer: (item) => ({ value: item.policy, words: item.title, more: aboutPolicy(item) }),
  },
};

/** @type {Map<string, string>} What chosen and judged ids mean. */
const meanings = new Map();

let timer = 0;
let asking = new AbortController();

/**
 * Return what is told of a policy beside its title.
 * @param {any} item as `/record/policies` answers it
 */
export function aboutPolicy(item) {
  return `${inWords(item.instrument)}, ${item.policy}, ${item.place}${item.acted ? "" : ", no action yet"}`;
}

/**
 * Have the fields of a form offer.
 * @param {HTMLElement} form
 * @param {() => string} token
 * @param {() => void} left is called when a field is left in which no place's id stands, or part of one
 */
export function offering(form, token, left) {
  form.addEventListener("input", ({ target, isTrusted }) => {
    if (isTrusted && isOffering(target)) soon(target, token);
  });
  form.addEventListener("keydown", (event) => {
    // Keys with which a script composes a word choose nothing.
    if (isOffering(event.target) && !event.isComposing) press(event, event.target, token);
  });
  form.addEventListener("focusout", ({ target }) => {
    if (!isOffering(target)) return;
    const unfinished = isOpen(target) || !target.value.trim().startsWith(DIVISION);
    close(target);
    if (target.dataset.offers === "places" && !fields.isBlank(target) && unfinished) left();
  });
  form.addEventListener("mousedown", (event) => {
    const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
    const input = option?.closest(".line")?.querySelector("[data-offers]");
    if (!isOffering(input)) return;
    event.preventDefault(); // The field keeps the keyboard.
    choose(input, /** @type {HTMLElement} */ (option));
  });
}

/**
 * @param {unknown} target
 * @returns {target is HTMLInputElement}
 */
function isOffering(target) {
  return target instanceof HTMLInputElement && target.dataset.offers !== undefined;
}

/** @param {HTMLInputElement} input */
function isOpen(input) {
  return input.getAttribute("aria-expanded") === "true";
}

/** @param {HTMLInputElement} input */
function listOf(input) {
  return byId(input.getAttribute("aria-controls") ?? "");
}

/**
 * @param {HTMLInputElement} input
 * @param {() => string} token
 */
function soon(input, token) {
  close(input);
  tell(input, "");
  if (!fields.isBlank(input)) timer = setTimeout(() => offer(input, token()), PAUSE_MS);
}

/**
 * Offer what has the words that stand in a field.
 * @param {HTMLInputElement} input
 * @param {string} token
 */
async function offer(input, token) {
  close(input);
  const kind = KINDS[input.dataset.offers ?? ""];
  const words = input.value.trim();
  asking = new AbortController();
  const { signal } = asking;
  let page;
  try {
    page = await ask(`${kind.path}?${words ? new URLSearchParams({ q: words }) : ""}`, { token, signal });
  } catch {
    return; // It is a help; without it one types an id.
  }
  if (signal.aborted || document.activeElement !== input) return;
  const offers = page.items.map(kind.offer);
  const open = offers.length > 0 && offers.every((/** @type {Offer} */ each) => each.value !== words);
  listOf(input).replaceChildren(...(open ? offers.map(optionOf) : []));
  listOf(input).hidden = !open;
  input.setAttribute("aria-expanded", String(open));
  const more = page.more ? " More match: go on typing." : "";
  if (open) tell(input, `${offers.length} found: choose with the arrow keys.${more}`);
  else if (!offers.length && !words.startsWith(DIVISION)) tell(input, kind.none);
}

/**
 * @param {Offer} each
 * @param {number} index
 */
function optionOf(each, index) {
  const { value, words, more } = each;
  remember(value, words);
  return make(
    "li",
    { role: "option", id: `offer-${index}`, "data-value": value, "aria-selected": "false" },
    words,
    make("span", { class: "id" }, more),
  );
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} input
 * @param {() => string} token
 */
function press(event, input, token) {
  const options = /** @type {HTMLElement[]} */ ([...listOf(input).children]);
  const open = isOpen(input);
  const at = options.findIndex((each) => each.id === input.getAttribute("aria-activedescendant"));
  if (event.key === "Escape" && open) close(input);
  else if (event.key === "Enter" && open) enter(input, options[at]);
  else if (event.key === "ArrowDown" && !open) offer(input, token());
  else if (event.key === "ArrowDown") point(input, options, (at + 1) % options.length);
  else if (event.key === "ArrowUp" && open) point(input, options, at <= 0 ? options.length - 1 : at - 1);
  else return;
  event.preventDefault();
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement[]} options
 * @param {number} at
 */
function point(input, options, at) {
  options.forEach((each, index) => each.setAttribute("aria-selected", String(index === at)));
  input.setAttribute("aria-activedescendant", options[at].id);
  options[at].scrollIntoView({ block: "nearest" });
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement | undefined} pointed the option that is pointed at, if any
 */
function enter(input, pointed) {
  if (pointed) choose(input, pointed);
  else close(input);
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} option
 */
function choose(input, option) {
  input.value = option.dataset.value ?? "";
  close(input);
  tell(input, meanings.get(input.value) ?? "");
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {HTMLInputElement} input */
function close(input) {
  clearTimeout(timer);
  asking.abort();
  listOf(input).hidden = true;
  listOf(input).replaceChildren();
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

/**
 * @param {HTMLInputElement} input
 * @param {string} words
 */
function tell(input, words) {
  const told = /** @type {HTMLElement} */ (input.closest(".line")?.querySelector(".told"));
  if (told.textContent !== words) told.textContent = words;
}

/**
 * Say beside each place what its id means, or what is wrong with it.
 * @param {Element} form
 * @param {string} token
 * @param {AbortSignal} signal
 */
export async function tellPlaces(form, token, signal) {
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[data-offers=places]"))) {
    const id = input.value.trim();
    const typing = document.activeElement === input;
    const options = /** @type {HTMLElement[]} */ ([...listOf(input).children]);
    const begun = typing && options.some(({ dataset: { value } }) => value !== id && value?.startsWith(id));
    if (id === "" || begun || input.matches(":disabled")) continue;
    if (!id.startsWith(DIVISION)) {
      if (typing) continue;
      fields.accuse(input, `This is no division id: choose a place that is offered, or give an id that begins with ${DIVISION}.`);
      continue;
    }
    const judged = await judge(id, token, signal);
    if (signal.aborted) return;
    if ("wrong" in judged) fields.accuse(input, judged.wrong);
    tell(input, "wrong" in judged ? "" : judged.words);
  }
}

/**
 * Return what a place's id means.
 * @param {string} id
 * @param {string} token
 * @param {AbortSignal} signal
 * @returns {Promise<{words: string} | {wrong: string}>}
 */
async function judge(id, token, signal) {
  const known = meanings.get(id);
  if (known) return { words: known };
  let words;
  try {
    const { items } = await ask(`/record/places?${new URLSearchParams({ jurisdiction: id })}`, { token, signal });
    const [place] = items;
    words = place.registered ? place.name : `${place.name}: the first of it in the record`;
  } catch (error) {
    // That a token is needed or no answer comes is said elsewhere.
    if (!(error instanceof Problem) || error.field !== "jurisdiction") return { words: "" };
    return { wrong: error.message };
  }
  remember(id, words);
  return { words };
}

/**
 * Remember what an id means, in place of the one that has been remembered for longest.
 * @param {string} id
 * @param {string} words
 */
function remember(id, words) {
  meanings.set(id, words);
  const [oldest] = meanings.keys();
  if (meanings.size > MOST_KEPT) meanings.delete(oldest);
}
