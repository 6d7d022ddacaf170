export interface BackOff {
  /** The first delay's upper bound, in milliseconds. */
  firstMs: number;
  /** No delay is longer, in milliseconds. */
  maxMs: number;
}

export const defaultBackOff: BackOff = { firstMs: 200, maxMs: 10_000 };

/**
 * Milliseconds to wait before attempt `attempt` (from 0): full jitter, so that the instances which lost the same
 * broker don't come back in step. Never under 20 ms, so that no draw turns a failure into a busy loop.
 */
export function backOffDelay(attempt: number, backOff: BackOff = defaultBackOff): number {
  const ceiling = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(attempt, 30));
  return Math.max(20, Math.round(Math.random() * ceiling));
}
