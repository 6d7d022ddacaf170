import { backOffMs } from '@warren/timing';

/** Time-outs and intervals of operations, in milliseconds. */
export interface Durations {
  /** How long a request waits for the provider. With both transactions, a request takes less than five seconds. */
  answerWithinMs: number;
  /** Time-out of a call to the provider. A sweeper then asks for its outcome. */
  providerTimeoutMs: number;
  /** Covers a call and the transaction that settles it. After that, another instance may take the operation over. */
  leaseMs: number;
  /** Interval at which the sweeper looks for operations without a lease. */
  sweepEveryMs: number;
}

export const defaultDurations: Durations = {
  answerWithinMs: 4_000,
  providerTimeoutMs: 20_000,
  leaseMs: 30_000,
  sweepEveryMs: 1_000,
};

const retryBackOff = { firstMs: 2_000, maxMs: 300_000 };

/** Milliseconds until the next attempt at an open operation: 2 s, doubled each time, at most five minutes. */
export function retryDelay(attempts: number): number {
  return backOffMs(attempts, retryBackOff);
}
