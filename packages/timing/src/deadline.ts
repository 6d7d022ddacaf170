/** Work took longer than its deadline. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Settles as `work` does, or rejects after `ms` milliseconds: with `error`, or with a `DeadlineError` if `error` is a
 * message. The work itself goes on, and its outcome is dropped.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, error: string | Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(typeof error === 'string' ? new DeadlineError(error) : error), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Settles as `work` does, or resolves to `fallback` after `ms` milliseconds. The work itself goes on, and its outcome is
 * dropped.
 *
 * A result that arrived in time counts even if the event loop was blocked meanwhile. Timers would fire before that result
 * is read, so two more turns of the event loop pass before `fallback` is used.
 */
export function withFallback<T, Fallback>(
  work: Promise<T>,
  ms: number,
  fallback: Fallback,
): Promise<T | Fallback> {
  return new Promise((resolve, reject) => {
    const give = () => resolve(fallback);
    const timer = setTimeout(() => setTimeout(() => setTimeout(give)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Rejects with the signal's reason as soon as the signal is aborted. Use it in a race with work that may ignore the signal. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
