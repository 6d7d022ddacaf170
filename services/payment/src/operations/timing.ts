import { backOffMs } from '@warren/timing';

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

const retryBackOff = { firstMs: 2_000, maxMs: 300_000 };

/** Milliseconds until the next look at an operation that stays open: 2 s, doubled with each try, at most five minutes. */
export function retryDelay(attempts: number): number {
  return backOffMs(attempts, retryBackOff);
}
