import { Revocations as RevocationList } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';

/**
 * The recent revocations, those from `since` on or all of them. Rejects if they can't be had at the moment, and soon
 * after `signal` says that nobody waits for them any more.
 */
export type RevocationSource = (
  since: Date | undefined,
  signal: AbortSignal,
) => Promise<RevocationList['revocations']>;

const fetchTimeoutMs = 10_000;
const check = compileReader(RevocationList);

/** Asks the user service. */
export function remoteRevocations(url: string): RevocationSource {
  return async (since, signal) => {
    signal.throwIfAborted();
    // `AbortSignal.any` would leave something behind in a signal that lives as long as the process, each time.
    const ending = new AbortController();
    const end = () => ending.abort(signal.reason);
    signal.addEventListener('abort', end);
    const timer = setTimeout(() => ending.abort(new Error(`${url} gave no answer in time`)), fetchTimeoutMs);
    try {
      return await read(since, ending.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  };

  async function read(since: Date | undefined, signal: AbortSignal): Promise<RevocationList['revocations']> {
    const asked = new URL(url);
    if (since) asked.searchParams.set('since', since.toISOString());
    const response = await fetch(asked, { signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`${url} answers ${response.status}`);
    }
    const checked = check(await response.json());
    if (!checked.ok) throw new Error(`${url} answers with something that is no list of revocations`);
    return checked.value.revocations;
  }
}

/** Where the user service lists them, unless the configuration says otherwise: on its internal port. */
export function revocationsUrl(userServiceUrl: string): string {
  const url = new URL('/internal/revocations', userServiceUrl);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  url.port = String(port + 1_000);
  return url.href;
}
