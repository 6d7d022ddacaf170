import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Milliseconds until it gives up. Default 10,000. */
  within?: number;
}

/** For each check to answer, so that one after a stall of the machine that used up the time still has a chance. */
const leastMs = 1_000;

/**
 * Polls `check` until it doesn't throw, and returns what it returned. When time is up it throws the last error,
 * so that a failing test says what was still wrong. A check that hangs is cut off as well, the last one after a
 * second at the earliest.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 10_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    try {
      return await beforeDeadline(check, deadline);
    } catch (error) {
      if (Date.now() + wait > deadline) throw error;
    }
    await pause(wait);
  }
}

async function beforeDeadline<T>(check: () => T | Promise<T>, deadline: number): Promise<T> {
  const timer = new AbortController();
  const late = async (): Promise<never> => {
    await pause(Math.max(deadline - Date.now(), leastMs), undefined, { signal: timer.signal });
    throw new Error('the check of eventually() gave no answer in time');
  };
  const lateness = late();
  lateness.catch(() => undefined); // Aborted as soon as the check answers.
  try {
    return await Promise.race([Promise.resolve().then(check), lateness]);
  } finally {
    timer.abort();
  }
}
