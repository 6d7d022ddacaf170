import { setTimeout as pause } from 'node:timers/promises';
import type { Attempt } from '../ledger.js';
import type { World } from './world.js';

/** What one try brought: an answer for good, or nothing yet (`again` says why). */
export type Try<T> = { kind: 'accepted'; value: T } | { kind: 'refused'; why: string } | Again;
export interface Again {
  kind: 'again';
  why: string;
}

/**
 * Tries until there is an answer for good, as a well-behaved client does: with growing pauses, and by the same key.
 * Notes every try. Resolves to an `again` only when the run is over.
 */
export async function insist<T>(
  { ledger, over }: Pick<World, 'ledger' | 'over'>,
  attempts: Attempt[],
  attempt: () => Promise<Try<T>>,
): Promise<Try<T>> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 3_000)) {
    const outcome = await attempt();
    attempts.push({ at: ledger.now(), answer: outcome.kind === 'accepted' ? 'ok' : outcome.why });
    if (outcome.kind !== 'again' || over.aborted) return outcome;
    await pause(wait, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return outcome;
  }
}
