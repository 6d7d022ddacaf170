/** Durations in milliseconds. */

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** `ms` give or take a quarter, so that instances that started together don't act at the same moments. */
export const jittered = (ms: number): number => ms * (0.75 + Math.random() / 2);

export interface BackOff {
  firstMs: number;
  maxMs: number;
}

/** The exponential back-off after so many failures in a row: `firstMs` after the first, doubled with each one more. */
export const backOffMs = ({ firstMs, maxMs }: BackOff, failures: number): number =>
  Math.min(maxMs, firstMs * 2 ** (failures - 1));
