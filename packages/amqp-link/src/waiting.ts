export interface BackOff {
  /** The upper bound of the first delay, in milliseconds. It doubles with each attempt. */
  firstMs: number;
  /** The upper bound of every delay, in milliseconds. */
  maxMs: number;
}

export const defaultBackOff: BackOff = { firstMs: 200, maxMs: 10_000 };

/**
 * Milliseconds to wait before retry `attempt`, counted from 0. The delay has full jitter, so that instances that lost
 * the same broker don't reconnect at the same moment. It is at least 20 ms, so that failures never cause a busy loop.
 */
export function backOffDelay(attempt: number, backOff: BackOff = defaultBackOff): number {
  const ceiling = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(attempt, 30));
  return Math.max(20, Math.round(Math.random() * ceiling));
}

/** Settles as `promise` does, or rejects with `reason` after `ms` milliseconds. It does not cancel the work. */
export async function within<T>(ms: number, promise: Promise<T>, reason: string | Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(typeof reason === 'string' ? new Error(reason) : reason), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
