/**
 * The fields of the form: what they hold as an event's data, and which field a problem means.
 *
 * A control has its place in the data as `data-path`; those within a `data-item` belong to the list
 * that the item is in. What is blank is left out.
 */

import { byId, make } from "./record-dom.js";

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */
/** @typedef {Map<string, Control>} Places by the path in the document that is sent */

let made = 0;

/**
 * Return the controls directly in an element, not those of items in it.
 * @param {Element} root
 * @returns {Control[]}
 */
function controlsOf(root) {
  const within = root.closest("[data-item]");
  return /** @type {Control[]} */ ([...root.querySelectorAll("[data-path]")]).filter(
    (each) => each.closest("[data-item]") === within,
  );
}

/** @param {Element} root */
function listsOf(root) {
  return /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-list]")]);
}

/** @param {Control} control */
export function isBlank(control) {
  return control.value.trim() === "";
}

/**
 * Return what a section holds, as data.
 * @param {Element} section
 * @param {string} prefix where the data stands in the document
 * @param {Places} places is told where each control's value went
 * @returns {any}
 */
export function read(section, prefix = "", places = new Map()) {
  /** @type {any} */
  const found = {};
  for (const control of controlsOf(section)) {
    const path = control.dataset.path ?? "";
    places.set(prefix + path, control);
    if (!isBlank(control)) put(found, path.split("."), valueOf(control));
  }
  if (section.closest("[data-item]")) return found;
  for (const list of listsOf(section)) {
    const items = readList(list, prefix, places);
    if (items.length) found[list.dataset.list ?? ""] = items;
  }
  return found;
}

/**
 * Return the items of a list; those in which nothing stands are left out.
 * @param {HTMLElement} list
 * @param {string} prefix
 * @param {Places} places
 */
export function readList(list, prefix = "", places = new Map()) {
  const path = `${prefix}${list.dataset.list}`;
  const found = /** @type {any[]} */ ([]);
  for (const item of list.querySelectorAll("[data-item]")) {
    if (controlsOf(item).every(isBlank)) {
      if (!places.has(path)) places.set(path, controlsOf(item)[0]);
      continue;
    }
    const itemPath = /** @type {string} */ (`${path}[${found.length}]`);
    places.set(itemPath, controlsOf(item)[0]);
    if (!places.has(path)) places.set(path, controlsOf(item)[0]);
    found.push(read(item, `${itemPath}.`, places));
  }
  return found;
}

/** @param {Control} control */
function valueOf(control) {
  const text = control.value.trim();
  if (control.dataset.kind === "integer" && /^[0-9]{1,9}$/.test(text)) return Number(text);
  if (control.dataset.kind === "words") {
    return text.split(",").map((each) => each.trim()).filter((each) => each !== "");
  }
  return text;
}

/**
 * @param {any} target
 * @param {string[]} path
 * @param {any} value
 */
function put(target, [first, ...rest], value) {
  if (rest.length === 0) target[first] = value;
  else put((target[first] ??= {}), rest, value);
}

/**
 * Show data in a section, in place of what it holds. What stands there already is left alone, and with it
 * the place of whoever is typing.
 * @param {Element} section
 * @param {any} data
 */
export function fill(section, data) {
  for (const control of controlsOf(section)) {
    const value = (control.dataset.path ?? "").split(".").reduce((found, name) => found?.[name], data);
    const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
    if (control.value !== text) control.value = text;
  }
  if (section.closest("[data-item]")) return;
  for (const list of listsOf(section)) {
    const items = data?.[list.dataset.list ?? ""] ?? [];
    if (JSON.stringify(readList(list)) === JSON.stringify(items)) continue;
    list.replaceChildren();
    for (const each of items) fill(add(list), each);
    complete(list);
  }
}

/**
 * Add an item to a list.
 * @param {HTMLElement} list
 * @returns {HTMLElement}
 */
export function add(list) {
  const template = byId(`item-${list.dataset.list}`);
  const item = template.content.firstElementChild.cloneNode(true);
  list.append(item);
  describeAll(item);
  number(list);
  return item;
}

/**
 * Take an item out of its list, and return the control on which the keyboard goes on.
 * @param {Element} item
 * @returns {HTMLElement}
 */
export function remove(item) {
  const list = /** @type {HTMLElement} */ (item.closest("[data-list]"));
  item.remove();
  complete(list);
  number(list);
  const next = list.querySelector("[data-path]") ?? list.parentElement?.querySelector("[data-add]");
  return /** @type {HTMLElement} */ (next ?? list);
}

/**
 * Have a list hold as many items as it has to.
 * @param {HTMLElement} list
 */
export function complete(list) {
  while (list.querySelectorAll("[data-item]").length < Number(list.dataset.least ?? 0)) add(list);
}

/** @param {HTMLElement} list */
function number(list) {
  const items = list.querySelectorAll("[data-item]");
  items.forEach((item, index) => {
    const legend = item.querySelector("legend");
    if (legend) {
      legend.dataset.words ??= legend.textContent ?? "";
      legend.textContent = items.length > 1 ? `${legend.dataset.words} ${index + 1}` : legend.dataset.words;
    }
  });
  for (const each of list.querySelectorAll("[data-remove]")) {
    each.toggleAttribute("hidden", items.length <= Number(list.dataset.least ?? 0));
  }
}

/**
 * Return the control that a problem is about: that of the path, or of what it is in.
 * @param {Places} places
 * @param {string} field
 */
export function controlAt(places, field) {
  for (let path = field; path; path = path.replace(/(\.[^.[\]]*|\[[^\]]*\]|^[^.[\]]*)$/, "")) {
    const found = places.get(path);
    if (found) return found;
  }
  return undefined;
}

/**
 * Say at a control what is wrong with what stands in it, in place of what was said before.
 * @param {Control} control
 * @param {string} message
 */
export function accuse(control, message) {
  const id = `error-${(made += 1)}`;
  control.closest(".line")?.querySelector(".error")?.remove();
  control.setAttribute("aria-invalid", "true");
  describe(control, id);
  control.closest(".line")?.append(make("p", { class: "error", id }, message));
}

/**
 * Say by what a control is described: its hint, and what is wrong with it.
 * @param {Control} control
 * @param {string[]} errors ids
 */
function describe(control, ...errors) {
  const hint = control.closest(".line")?.querySelector(".hint");
  if (hint && !hint.id) hint.id = `hint-${(made += 1)}`;
  const ids = [...(hint ? [hint.id] : []), ...errors];
  if (ids.length) control.setAttribute("aria-describedby", ids.join(" "));
}

/**
 * Have every control be described by its hint.
 * @param {Element} root
 */
export function describeAll(root) {
  for (const each of root.querySelectorAll("[data-path]")) describe(/** @type {Control} */ (each));
}

/**
 * Take back what was said at controls.
 * @param {Element} root
 */
export function acquit(root) {
  for (const each of root.querySelectorAll("p.error")) each.remove();
  for (const each of root.querySelectorAll("[aria-invalid]")) {
    each.removeAttribute("aria-invalid");
    describe(/** @type {Control} */ (each));
  }
}

/**
 * Return the controls that are needed and blank, of those that are shown.
 * @param {Element} root
 */
export function missing(root) {
  const needed = /** @type {Control[]} */ ([...root.querySelectorAll("[data-path][aria-required]")]);
  return needed.filter((each) => isBlank(each) && !each.matches(":disabled") && !each.closest("[hidden]"));
}

/**
 * Return what a control is called.
 * @param {Control} control
 */
export function nameOf(control) {
  const words = control.closest("label")?.querySelector("span")?.firstChild?.textContent;
  return (words ?? "").trim();
}
