import type { Settlement } from './intake.js';
import type { DeadLetterReason } from './port.js';

/** How often a delivery has been tried. */
export interface Progress {
  /** 1 for the first attempt. */
  attempt: number;
  /** How often in a row it was postponed since the last counted attempt. */
  postponed: number;
}

export type NextStep =
  | ({ kind: 'again'; delay: number } & Progress)
  | { kind: 'dead'; reason: DeadLetterReason };

/**
 * How often in a row a delivery may be postponed. From then on, attempts are counted. With the default delays this takes
 * more than a day, so what holds the delivery up will not pass by itself.
 */
export const maxPostponed = 200;

/** Decides what happens to a delivery that was not handled. `retryDelays` and `delay` are in milliseconds. */
export function nextStep(
  settlement: Exclude<Settlement, { kind: 'done' }>,
  { attempt, postponed }: Progress,
  retryDelays: readonly number[],
): NextStep {
  if (settlement.kind === 'dead') return { kind: 'dead', reason: settlement.reason };
  if (settlement.kind === 'postpone' && postponed < maxPostponed) {
    const delay = retryDelays[postponed] ?? retryDelays.at(-1);
    if (delay !== undefined) return { kind: 'again', delay, attempt, postponed: postponed + 1 };
  }
  const delay = retryDelays[attempt - 1];
  if (delay === undefined) return { kind: 'dead', reason: 'retries-exhausted' };
  return { kind: 'again', delay, attempt: attempt + 1, postponed: 0 };
}
