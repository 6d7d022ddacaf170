import { Revocations as RevocationList } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import { DatedRevocations } from './dated.js';

/** Some of the revocations, and how to ask for those that come after. */
export interface RevocationPage {
  revocations: RevocationList['revocations'];
  /** For the next question; undefined where it has to begin anew. */
  next: string | undefined;
  /** Whether there are more already. */
  more: boolean;
}

/**
 * The revocations that were added after `after`, the `next` of the page before: or, without it, all that are in force;
 * a page at a time. Some may come again; none is left out, in whichever order they were committed.
 *
 * Rejects if they can't be had at the moment, and soon after `signal` says that nobody waits for them any more.
 */
export type RevocationSource = (after: string | undefined, signal: AbortSignal) => Promise<RevocationPage>;

/** Most revocations of one page. */
export const revocationsPage = 1_000;

const fetchTimeoutMs = 10_000;
const check = compileReader(RevocationList);

/** What was asked for isn't understood. */
export class NotUnderstood extends Error {}

/** Asks with these parameters. Throws `NotUnderstood` for 400. */
export type AskForRevocations = (
  parameters: Readonly<Record<string, string | undefined>>,
) => Promise<RevocationList>;

/** Asks the user service; also a build of it that only lists by dates. */
export function remoteRevocations(url: string): RevocationSource {
  const dated = new DatedRevocations();
  return async (after, signal) => {
    signal.throwIfAborted();
    const ask: AskForRevocations = (parameters) => fetchList(url, parameters, signal);
    if (after !== undefined && dated.made(after)) return await dated.read(after, ask);
    try {
      return await anyPage(after, ask);
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return await dated.read(undefined, ask);
    }
  };
}

/** A cursor that isn't even well-formed any more, after an update, is no reason to ask for dates. */
async function anyPage(after: string | undefined, ask: AskForRevocations): Promise<RevocationPage> {
  const limit = String(revocationsPage);
  if (after === undefined) return pageOf(await ask({ limit }));
  try {
    return pageOf(await ask({ after, limit }));
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return pageOf(await ask({ limit }));
  }
}

function pageOf({ revocations, next, more = false }: RevocationList): RevocationPage {
  // Someone who ignores what they don't know has listed by dates.
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
