import type { Subscription } from './port.js';

export interface IntakeLimits {
  batchSize: number;
  prefetch: number;
}

/** The subscription's bounds, or `RangeError`. */
export function intakeLimits({ batchSize = 50, prefetch = 100 }: Subscription): IntakeLimits {
  requireWhole('batchSize', batchSize, 1);
  requireWhole('prefetch', prefetch, 1);
  if (prefetch > 65_535) throw new RangeError('prefetch must be at most 65535');
  return { batchSize: Math.min(batchSize, prefetch), prefetch };
}

export function requireWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}`);
  }
}

/** Names become parts of queue names, and routing keys must not hold wildcards. */
export function requireName(what: string, value: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)) {
    throw new RangeError(`${what} "${value}" must be of letters, digits, dots and dashes`);
  }
}
