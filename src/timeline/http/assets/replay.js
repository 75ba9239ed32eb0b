// @ts-check
/** A policy's replay: the slider shows each step at once, by the same pages that its links lead to. */

/** How long the slider rests before a step is asked for. */
const REST_MS = 60;
const PARTS = ["step", "steps"];

const form = document.querySelector("form[data-replay]");
const slider = form?.querySelector("input[name=step]");

if (form instanceof HTMLFormElement && slider instanceof HTMLInputElement) {
  let timer = 0;
  let asked = new AbortController();

  const tell = () => slider.setAttribute("aria-valuetext", `Step ${slider.value} of ${slider.max}`);

  const show = async () => {
    asked.abort();
    asked = new AbortController();
    const query = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    const address = `${form.action}?${query}`;
    const page = await fetched(address, asked.signal);
    if (page === null) return;
    for (const part of PARTS) {
      const now = document.querySelector(`[data-part=${part}]`);
      const then = page.querySelector(`[data-part=${part}]`);
      if (now && then) now.replaceChildren(...then.childNodes);
    }
    history.replaceState(null, "", address);
  };

  tell();
  slider.addEventListener("input", () => {
    tell();
    clearTimeout(timer);
    timer = window.setTimeout(show, REST_MS);
  });
}

/**
 * Fetch a page; null where a later one was asked for since. What fails is shown by the page itself.
 * @param {string} address
 * @param {AbortSignal} signal
 */
async function fetched(address, signal) {
  try {
    const answer = await fetch(address, { signal, headers: { Accept: "text/html" } });
    if (answer.ok) return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (signal.aborted) return null;
  }
  location.assign(address);
  return null;
}
