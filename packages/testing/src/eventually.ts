import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Timeout in milliseconds. Default 10,000. */
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
  { within = 10_000 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    try {
      const ms = Math.max(deadline - Date.now(), minCheckMs);
      return await withTimeout(
        ms,
        Promise.resolve().then(check),
        'the check of eventually() gave no answer in time',
      );
    } catch (error) {
      if (Date.now() + wait > deadline) throw error;
    }
    await pause(wait);
  }
}

/** Settles as `work` does, or rejects with `message` after `ms` milliseconds. */
export async function withTimeout<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
