/**
 * Asking the service, as any program does. A problem is an error with its document; an answer that does
 * not come is another kind of error, since something may have been recorded then.
 */

const TIMEOUT_MS = 30_000; // The service itself gives up sooner.
const ATTEMPTS = 3; // Of what may be asked again: a restart takes a second.
const PAUSE_MS = 700; // Times the number of those before.

export class Problem extends Error {
  /** @param {any} document a problem document (RFC 9457) */
  constructor(document) {
    super(document.detail || document.title || "The service refuses it.");
    this.document = document;
    this.slug = String(document.type ?? "").replace("/problems/", "");
    this.field = document.errors?.[0]?.field ?? null;
    this.message = document.errors?.[0]?.message ?? this.message;
    this.detail = document.detail ?? this.message;
  }
}

export class NoAnswer extends Error {}

/**
 * Return what an error says.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Ask, and return the document that is answered.
 * @param {string} address
 * @param {{token?: string, body?: string, signal?: AbortSignal, again?: boolean}} options `again`: ask
 *   again where no answer comes; only of what may be repeated
 * @returns {Promise<any>}
 */
export async function ask(address, { token, body, signal, again = false } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once(address, token, body, signal);
    } catch (error) {
      if (!(error instanceof NoAnswer) || !again || attempt >= ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

/**
 * @param {string} address
 * @param {string | undefined} token
 * @param {string | undefined} body
 * @param {AbortSignal | undefined} signal
 */
async function once(address, token, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  let response, text;
  try {
    const method = body === undefined ? "GET" : "POST";
    response = await fetch(address, { method, headers, body, signal: AbortSignal.any(limits) });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NoAnswer("The service does not answer.");
  }
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new NoAnswer(`Something between here and the service answers, with ${response.status}.`);
  }
  if (response.ok) return found;
  if (typeof found?.type === "string") throw new Problem(found);
  throw new NoAnswer(`Something between here and the service refuses it, with ${response.status}.`);
}

/**
 * Return the events that an answer tells of. One that tells of others than were sent, or of none, is not
 * the service's, so nobody knows what became of them.
 * @param {any} answer
 * @param {any} sent the document that was sent: an event, or several
 * @returns {any[]}
 */
export function eventsOf(answer, sent) {
  const ids = (sent.events ?? [sent]).map((/** @type {any} */ each) => each.id);
  const events = answer?.events;
  if (Array.isArray(events) && events.length === ids.length && events.every((each) => ids.includes(each?.id))) return events;
  throw new NoAnswer("Something between here and the service answers, and not with what was sent.");
}
