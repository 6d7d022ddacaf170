import { Revocations as RevocationList, revocationsPerPage } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import { isDatedCursor, readDatedRevocations } from './dated-revocations.js';

/** A page of the list of revocations. */
export interface RevocationPage {
  revocations: RevocationList['revocations'];
  /** The `after` of the next request; undefined if the next request must start from the beginning. */
  next: string | undefined;
  /** Whether the next page already has revocations. */
  more: boolean;
}

/**
 * Reads a page of revocations: those added since `after`, which is `next` of the previous page, or all in force without
 * `after`. A revocation may be on several pages, but none is missed, whatever the order of commits.
 *
 * Rejects if the list can't be read now, and soon after `signal` aborts.
 */
export type RevocationSource = (after: string | undefined, signal: AbortSignal) => Promise<RevocationPage>;

const fetchTimeoutMs = 10_000;
const check = compileReader(RevocationList);

/** The user service refuses the parameters: it runs the previous release, or the cursor comes from another release. */
class NotUnderstood extends Error {}

/** Requests the list with these query parameters. Rejects with `NotUnderstood` for status 400. */
export type RequestList = (
  parameters: Readonly<Record<string, string | undefined>>,
) => Promise<RevocationList>;

/** The list of the user service at `url`. The user service may run the previous release, which has no pages. */
export function remoteRevocations(url: string): RevocationSource {
  return async (after, signal) => {
    signal.throwIfAborted();
    const ask: RequestList = (parameters) => fetchList(url, parameters, signal);
    if (after !== undefined && isDatedCursor(after)) return await readDatedRevocations(after, ask);
    try {
      return await readPage(after, ask);
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return await readDatedRevocations(undefined, ask);
    }
  };
}

/** If the user service refuses the cursor, as it may after an update, this reads from the beginning. */
async function readPage(after: string | undefined, ask: RequestList): Promise<RevocationPage> {
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
  // This user service has ignored the unknown parameter `limit`, so it has no pages.
  if (next === undefined) throw new NotUnderstood();
  return { revocations, next, more };
}

async function fetchList(
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RevocationList> {
  // `AbortSignal.any` would leak memory with each call, since `signal` lives as long as the process.
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener('abort', end);
  const timer = setTimeout(() => ending.abort(new Error(`${url} did not answer in time`)), fetchTimeoutMs);
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
  if (!checked.ok) throw new Error(`${url} does not answer with a list of revocations`);
  return checked.value;
}

/** The default URL of the list: on the internal port of the user service. */
export function revocationsUrl(userServiceUrl: string): string {
  const url = new URL('/internal/revocations', userServiceUrl);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  url.port = String(port + 1_000);
  return url.href;
}
