import { Revocations as RevocationList, revocationsPerPage } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import { isDatedCursor, readDatedRevocations } from './dated-revocations.js';

/** One page of the revocations, and how to ask for the next one. */
export interface RevocationPage {
  revocations: RevocationList['revocations'];
  /** The `after` of the next question; undefined where that must begin anew. */
  next: string | undefined;
  /** Whether the next page has revocations already. */
  more: boolean;
}

/**
 * Reads a page of revocations: those that were added since `after`, the `next` of the page before, or all that are in
 * force without it. Some may come again; none is left out, in whichever order they were committed.
 *
 * Rejects if the list can't be read at the moment, and soon after `signal` aborts.
 */
export type RevocationSource = (after: string | undefined, signal: AbortSignal) => Promise<RevocationPage>;

const fetchTimeoutMs = 10_000;
const check = compileReader(RevocationList);

/** The user service doesn't understand the question: it is of the release before, or the cursor is of another one. */
class NotUnderstood extends Error {}

/** Asks the user service, with these parameters in the query. Rejects with `NotUnderstood` for a 400. */
export type AskForRevocations = (
  parameters: Readonly<Record<string, string | undefined>>,
) => Promise<RevocationList>;

/** The list of the user service at `url`, which may be of the release before and have no pages. */
export function remoteRevocations(url: string): RevocationSource {
  return async (after, signal) => {
    signal.throwIfAborted();
    const ask: AskForRevocations = (parameters) => fetchList(url, parameters, signal);
    if (after !== undefined && isDatedCursor(after)) return await readDatedRevocations(after, ask);
    try {
      return await readPage(after, ask);
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return await readDatedRevocations(undefined, ask);
    }
  };
}

/** A cursor that the user service refuses as malformed, as after an update, begins anew: it may well have pages. */
async function readPage(after: string | undefined, ask: AskForRevocations): Promise<RevocationPage> {
  const limit = String(revocationsPerPage);
  if (after === undefined) return pageOf(await ask({ limit }));
  try {
    return pageOf(await ask({ after, limit }));
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return pageOf(await ask({ limit }));
  }
}

function pageOf({ revocations, next, more = false }: RevocationList): RevocationPage {
  // A user service that ignores parameters it doesn't know has listed by dates.
  if (next === undefined) throw new NotUnderstood();
  return { revocations, next, more };
}

async function fetchList(
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RevocationList> {
  // `AbortSignal.any` would leave something behind in a signal that lives as long as the process, each time.
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener('abort', end);
  const timer = setTimeout(() => ending.abort(new Error(`${url} gave no answer in time`)), fetchTimeoutMs);
  try {
    return await read(url, parameters, ending.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

async function read(
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RevocationList> {
  const asked = new URL(url);
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) asked.searchParams.set(name, value);
  const response = await fetch(asked, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    if (response.status === 400) throw new NotUnderstood(`${url} answers 400`);
    throw new Error(`${url} answers ${response.status}`);
  }
  const checked = check(await response.json());
  if (!checked.ok) throw new Error(`${url} answers with something that is no list of revocations`);
  return checked.value;
}

/** Where the user service lists them, unless the configuration says otherwise: on its internal port. */
export function revocationsUrl(userServiceUrl: string): string {
  const url = new URL('/internal/revocations', userServiceUrl);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  url.port = String(port + 1_000);
  return url.href;
}
