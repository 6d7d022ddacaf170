import type { Settlement } from './intake.js';
import type { DeadLetterReason } from './port.js';

/** How far a delivery has come. */
export interface Progress {
  /** 1 for the first try. */
  attempt: number;
  /** How often in a row it came again without a counted attempt. */
  postponed: number;
}

export type NextStep =
  | ({ kind: 'again'; delay: number } & Progress)
  | { kind: 'dead'; reason: DeadLetterReason };

/**
 * With the default delays more than a day. What is held up for longer is no passing condition: from then on, attempts
 * are counted.
 */
export const mostPostponed = 200;

/** What becomes of a delivery that was not handled. */
export function nextStep(
  settlement: Exclude<Settlement, { kind: 'done' }>,
  { attempt, postponed }: Progress,
  retryDelays: readonly number[],
): NextStep {
  if (settlement.kind === 'dead') return { kind: 'dead', reason: settlement.reason };
  if (settlement.kind === 'postpone' && postponed < mostPostponed) {
    const delay = retryDelays[postponed] ?? retryDelays.at(-1);
    if (delay !== undefined) return { kind: 'again', delay, attempt, postponed: postponed + 1 };
  }
  const delay = retryDelays[attempt - 1];
  if (delay === undefined) return { kind: 'dead', reason: 'retries-exhausted' };
  return { kind: 'again', delay, attempt: attempt + 1, postponed: 0 };
}
