/** How long things may take, in milliseconds. */
export interface Timing {
  /** A request waits for its provider this long at most; with both transactions it stays below five seconds. */
  answerWithinMs: number;
  /** A call to the provider is given up after this long, and what became of it asked later. */
  providerTimeoutMs: number;
  /** Covers a call and the transaction that settles it; past it, somebody else asks the provider. */
  leaseMs: number;
  /** How often the sweeper looks for operations that nobody has. */
  sweepEveryMs: number;
}

export const defaultTiming: Timing = {
  answerWithinMs: 4_000,
  providerTimeoutMs: 20_000,
  leaseMs: 30_000,
  sweepEveryMs: 1_000,
};

const longestDelayMs = 300_000;

/** Until the next look at an operation that stays open: 2 s, doubled with each try, at most five minutes. */
export function retryDelay(attempts: number): number {
  return Math.min(1_000 * 2 ** Math.min(attempts, 20), longestDelayMs);
}

/** What the promise resolves to, or `undefined` once `ms` are over; the promise goes on. */
export async function resultWithin<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
