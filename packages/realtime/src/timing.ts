/** The longest wait of Node.js timers, in milliseconds. A longer one would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;

/** `setTimeout` for any number of milliseconds. Returns a function that cancels it. */
export function after(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    const step = Math.min(Math.max(0, left), maxTimeoutMs);
    timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
  };
  arm(ms);
  return () => clearTimeout(timer);
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Settles as `work` does, or rejects with `DeadlineError` after `ms` milliseconds. The work itself goes on, and its
 * outcome is dropped.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(`${what} took longer than ${ms} ms`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Milliseconds to wait before attempt `attempt` (from 1): 250 ms, doubled up to 5 s, plus or minus a quarter. */
export function backoff(attempt: number): number {
  const base = Math.min(5_000, 250 * 2 ** Math.min(attempt - 1, 10));
  return base * (0.75 + Math.random() / 2);
}
