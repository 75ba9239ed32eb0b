// @ts-check
// The page of the timeline, moved without being loaded anew.
//
// Whatever is asked for is an address of this page. It is fetched, and the parts of the document that
// are marked with `data-swap` take the place of those that are there: the server alone knows how to
// draw. Without this script the same addresses are links and a form.

/** How long a hand may rest between two steps before the picture is asked for, in milliseconds. */
const REST_MS = 70;
const DAY_MS = 86_400_000;
/** How far a finger may stray, in pixels, and still mean a click. */
const STRAY_PX = 4;
const CLOSER = 1.25;

const form = /** @type {HTMLFormElement} */ (document.getElementById("asked"));
/** @type {AbortController | null} */
let asking = null;
let waiting = 0;

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} iso */
function dayOf(iso) {
  const [year, month, day] = iso.split("-").map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / DAY_MS);
}

const FIRST = dayOf("0001-01-01");
const LAST = dayOf("9999-12-31");

/** @param {number} day */
function isoOf(day) {
  const kept = Math.min(Math.max(Math.round(day), FIRST), LAST);
  return new Date(kept * DAY_MS).toISOString().slice(0, 10);
}

// Asking

/**
 * Fetch an address of this page and show what differs.
 * @param {URL} address
 * @param {{push?: boolean, held?: Element | null}} [how] push: a step that "back" undoes; held: a
 *   control that stays as it is, since a hand is on it
 */
async function go(address, { push = false, held = null } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  performance.mark("timeline-asked");
  document.body.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine.signal.aborted) return;
    if (!answer.ok || !found.getElementById("picture")) return refuse(found);
    swap(found, held);
    history[push ? "pushState" : "replaceState"](null, "", answer.redirected ? answer.url : address);
    performance.mark("timeline-shown");
    performance.measure("timeline-move", "timeline-asked", "timeline-shown");
  } catch (error) {
    if (!mine.signal.aborted) refuse(null);
  } finally {
    if (asking === mine) {
      document.body.removeAttribute("aria-busy");
      asking = null;
    }
  }
}

/** @param {Document} found @param {Element | null} held */
function swap(found, held) {
  const focused = document.activeElement;
  const again = focused instanceof HTMLElement ? selectorOf(focused) : null;
  for (const old of document.querySelectorAll("[data-swap]")) {
    const fresh = found.getElementById(old.id);
    if (!fresh || (held && old.contains(held))) continue;
    if (focused && old.contains(focused) && focused instanceof HTMLInputElement && !again) continue;
    // The element stays, so that a reader of the screen hears what is new in it.
    for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
    old.replaceChildren(...fresh.childNodes);
  }
  prepare();
  if (again && !focused?.isConnected) {
    /** @type {HTMLElement | null} */ (document.querySelector(again))?.focus({ preventScroll: true });
  }
}

/**
 * Tell how the one that takes an element's place is found; null where nothing may take it.
 * @param {HTMLElement} element
 */
function selectorOf(element) {
  if (element.dataset.clock) return `[data-clock="${element.dataset.clock}"]`;
  return element.classList.contains("view") ? ".view" : null;
}

/** @param {Document | null} found */
function refuse(found) {
  const said = found?.querySelector(".notice.wrong")?.textContent ?? "The service cannot be reached.";
  const told = document.createElement("p");
  told.className = "notice wrong";
  told.setAttribute("role", "alert");
  told.textContent = said;
  part("told").replaceChildren(told);
  document.getElementById("moved")?.removeAttribute("transform");
}

/** @param {Record<string, string | null>} changes */
function changed(changes) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  address.hash = "";
  return address;
}

/** @param {() => void} act */
function soon(act) {
  clearTimeout(waiting);
  waiting = window.setTimeout(act, REST_MS);
}

// The two clocks

/** Show the sliders, which are of no use without this script, as the document has them. */
function prepare() {
  for (const slider of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-clock]"))) {
    const label = /** @type {HTMLElement} */ (slider.closest(".slider"));
    if (slider.dataset.clock === "as_of") {
      const { from = "", to = "", at = "" } = slider.dataset;
      slider.min = String(dayOf(from));
      slider.max = String(dayOf(to));
      slider.value = String(dayOf(at));
      slider.setAttribute("aria-valuetext", at);
    }
    label.hidden = false;
  }
  for (const hint of document.querySelectorAll(".hint")) hint.removeAttribute("hidden");
  document.getElementById("moved")?.removeAttribute("transform");
}

/** @param {HTMLInputElement} slider @param {boolean} held */
function slide(slider, held) {
  const world = slider.dataset.clock === "as_of";
  const last = Number(slider.value) >= Number(slider.max);
  const value = world ? isoOf(Number(slider.value)) : slider.value;
  slider.setAttribute("aria-valuetext", world ? value : `position ${value}`);
  const typed = slider.closest(".clock")?.querySelector("[name]");
  if (typed instanceof HTMLInputElement && (world || typed.name === "known_position")) typed.value = last ? "" : value;
  const { from = null, to = null } = part("picture").dataset;
  /** @type {Record<string, string | null>} */
  const moment = world ? { as_of: last ? null : value } : { known_position: last ? null : value, known_at: null };
  soon(() => go(changed({ from, to, ...moment }), { held: held ? slider : null }));
}

// While a hand is on a slider it stays; once it lets go, all of it is as the server has it.
for (const kind of /** @type {const} */ (["input", "change"])) {
  document.addEventListener(kind, (event) => {
    const slider = event.target;
    if (slider instanceof HTMLInputElement && slider.dataset.clock) slide(slider, kind === "input");
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // Not `form.action`: that is the field of this name.
  const address = new URL(form.getAttribute("action") ?? "/", location.href);
  for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, String(value));
  go(address, { push: true });
});

form.addEventListener("change", (event) => {
  const control = event.target;
  if (control instanceof HTMLInputElement && (control.name === "relations" || control.type === "date")) form.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.closest("header, #list table:not(.counts)")) return;
  // An SVG's link has an address that is an object.
  const address = new URL(link.getAttribute("href") ?? "", location.href);
  if (address.origin !== location.origin || address.pathname !== location.pathname || address.hash) return;
  if (link.classList.contains("button") && form.contains(link)) return;
  event.preventDefault();
  go(address, { push: true });
});

window.addEventListener("popstate", () => location.reload());

// Moving the picture: at once by a transform, then by what the server draws

const shown = { shift: 0, scale: 1 };
/** @type {Map<number, number>} */
const fingers = new Map();
let strayed = 0;

/** @param {HTMLElement} view */
function move(view) {
  const width = view.clientWidth;
  document.getElementById("moved")?.setAttribute("transform", `translate(${shown.shift} 0) scale(${shown.scale} 1)`);
  const picture = part("picture");
  const first = dayOf(picture.dataset.from ?? "");
  const days = dayOf(picture.dataset.to ?? "") - first + 1;
  const begins = first - (shown.shift / shown.scale / width) * days;
  const length = Math.max(days / shown.scale, 2);
  return { from: isoOf(begins), to: isoOf(begins + length - 1) };
}

/** @param {HTMLElement} view */
function settle(view) {
  const window = move(view);
  shown.shift = 0;
  shown.scale = 1;
  go(changed(window));
}

/** @param {HTMLElement} view @param {number} factor @param {number} at */
function zoom(view, factor, at) {
  shown.shift = at - (at - shown.shift) * factor;
  shown.scale *= factor;
  move(view);
  soon(() => settle(view));
}

/** @param {Event} event */
const viewOf = (event) =>
  /** @type {HTMLElement | null} */ (event.target instanceof Element ? event.target.closest(".view") : null);

document.addEventListener("wheel", (event) => {
  const view = viewOf(event);
  if (!view) return;
  const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (!sideways && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  if (sideways) {
    shown.shift -= event.deltaX || event.deltaY;
    move(view);
    soon(() => settle(view));
  } else {
    zoom(view, Math.exp(-event.deltaY / 300), event.clientX - view.getBoundingClientRect().left);
  }
}, { passive: false });

document.addEventListener("pointerdown", (event) => {
  const view = viewOf(event);
  if (!view || event.button) return;
  fingers.set(event.pointerId, event.clientX);
  strayed = 0;
});

document.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  const view = /** @type {HTMLElement | null} */ (document.querySelector(".view"));
  if (before === undefined || !view) return;
  const left = view.getBoundingClientRect().left;
  if (fingers.size === 2) {
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1] ?? before;
    const factor = Math.abs(event.clientX - other) / Math.max(Math.abs(before - other), 1);
    shown.shift = other - left - (other - left - shown.shift) * factor;
    shown.scale *= Math.max(factor, 0.01);
  } else {
    shown.shift += event.clientX - before;
  }
  strayed += Math.abs(event.clientX - before);
  fingers.set(event.pointerId, event.clientX);
  if (strayed <= STRAY_PX) return;
  view.classList.add("held");
  move(view);
});

for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
  document.addEventListener(kind, (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    const view = /** @type {HTMLElement | null} */ (document.querySelector(".view"));
    view?.classList.remove("held");
    if (view && strayed > STRAY_PX) settle(view);
    else Object.assign(shown, { shift: 0, scale: 1 });
  });
}

// What ends a drag is no click on the mark that it happens to end on; nor is a link dragged away.
document.addEventListener("click", (event) => {
  if (viewOf(event) && strayed > STRAY_PX) {
    event.preventDefault();
    strayed = 0;
  }
}, { capture: true });
document.addEventListener("dragstart", (event) => {
  if (viewOf(event)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const view = viewOf(event);
  if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = view.clientWidth / 5;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    shown.shift += event.key === "ArrowLeft" ? step : -step;
    move(view);
    soon(() => settle(view));
  } else if (event.key === "+" || event.key === "=") {
    zoom(view, CLOSER, view.clientWidth / 2);
  } else if (event.key === "-") {
    zoom(view, 1 / CLOSER, view.clientWidth / 2);
  } else if (event.key === "0") {
    go(changed({ from: null, to: null }));
  } else {
    return;
  }
  event.preventDefault();
});

prepare();
