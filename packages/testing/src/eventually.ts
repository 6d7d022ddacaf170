import { setTimeout as pause } from 'node:timers/promises';
import { withDeadline } from '@warren/timing';

export interface EventuallyOptions {
  /** Timeout in milliseconds. Default 20,000. */
  within?: number;
}

/** Every check gets at least this time, so that the first check after the machine stalled can still answer. */
const minCheckMs = 1_000;

/**
 * Polls `check` until it doesn't throw, and returns its result. After the timeout it throws the last error, so that a
 * failing test shows what was still wrong. A check that hangs times out as well, after at least a second.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 20_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    try {
      const ms = Math.max(deadline - Date.now(), minCheckMs);
      return await withDeadline(
        Promise.resolve().then(check),
        ms,
        'the check of eventually() gave no answer in time',
      );
    } catch (error) {
      if (Date.now() + wait > deadline) throw error;
    }
    await pause(wait);
  }
}
