/**
 * Making and finding elements. All text goes in as text, whoever wrote it: nothing is ever read as
 * markup.
 */

/**
 * Make an element.
 * @param {string} tag its name
 * @param {Record<string, string | boolean | undefined>} attributes true stands for an empty one, and
 *   what is false or undefined is left out
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/**
 * Return an element of the page, which has it.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/**
 * Return a value on one line; how members voted is no field of the form, and is left out.
 * @param {any} value
 * @param {(word: string) => string} tell how a text is told
 * @returns {string}
 */
export function plain(value, tell = String) {
  if (value === null || value === undefined || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map((each) => plain(each, tell)).join("; ") || "nothing";
  if (typeof value !== "object") return tell(String(value));
  if (value.edtf) return value.edtf;
  const shown = Object.entries(value).filter(([name]) => name !== "members");
  return shown.map(([name, each]) => `${name.replaceAll("_", " ")} ${plain(each, tell)}`).join(", ") || "nothing";
}

/**
 * Return a word of the vocabulary, or several, as people write them.
 * @param {unknown} value
 */
export function inWords(value) {
  return plain(value, (word) => word.replaceAll("_", " "));
}

const MONTHS = "January February March April May June July August September October November December".split(" ");

/**
 * Return a moment as all pages tell it, to the second: "26 November 2026, 10:16:30 UTC".
 * @param {string} instant in UTC, as the service answers it
 */
export function moment(instant) {
  const [year, month, day] = instant.slice(0, 10).split("-");
  return `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}, ${instant.slice(11, 19)} UTC`;
}

/**
 * Return a link.
 * @param {string} address
 * @param {string} words
 */
export function link(address, words) {
  return make("a", { href: address }, words);
}

/**
 * Return the value of an axis, coloured as everywhere.
 * @param {string | null} value
 */
export function axisValue(value) {
  return make("span", { class: "value", "data-value": value ?? "" }, inWords(value));
}
