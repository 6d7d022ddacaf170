/** Exponential back-off: the delay doubles with each failure in a row. */
export interface BackOff {
  /** Milliseconds after the first failure. */
  firstMs: number;
  /** Upper bound of the delay, in milliseconds. */
  maxMs: number;
}

/** Milliseconds to wait after so many failures in a row, counted from 1. Without jitter. */
export function backOffMs(failures: number, { firstMs, maxMs }: BackOff): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
}

/** `ms` plus or minus up to a quarter, so that instances that started together don't act at the same moments. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}

/**
 * A random number of milliseconds up to `ms`. It spreads instances that lost the same server further than `jittered`, so
 * that they don't reconnect at the same moment. It is at least 20, so that failures never cause a busy loop.
 */
export function fullyJittered(ms: number): number {
  return Math.max(20, Math.round(Math.random() * ms));
}
