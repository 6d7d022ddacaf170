import { setTimeout as sleep } from 'node:timers/promises';

/** At most `perSecond` turns a second, evenly. Each answers false once `signal` says stop. */
export function pace(perSecond: number, signal: AbortSignal): () => Promise<boolean> {
  let next = Date.now();
  return async () => {
    const wait = next - Date.now();
    next = Math.max(next, Date.now()) + 1_000 / perSecond;
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  };
}
