/** The longest that Node's timers can wait; anything above fires at once instead. */
const longestTimeout = 2 ** 31 - 1;

/** `setTimeout` for any number of milliseconds. Returns what cancels it. */
export function after(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    const step = Math.min(Math.max(0, left), longestTimeout);
    timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
  };
  arm(ms);
  return () => clearTimeout(timer);
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Rejects with `DeadlineError` if `work` takes longer than `ms`. The work itself goes on; what becomes of it is
 * dropped, its failure too.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(`${what} took longer than ${ms} ms`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Milliseconds before try number `attempt` (from 1): doubles from 250 ms up to 5 s, spread by a quarter. */
export function backoff(attempt: number): number {
  const base = Math.min(5_000, 250 * 2 ** Math.min(attempt - 1, 10));
  return base * (0.75 + Math.random() / 2);
}
