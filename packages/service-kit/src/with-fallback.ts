/**
 * Resolves as `work` does, or to `fallback` if `work` takes longer than `ms` milliseconds. Answers that have arrived while
 * the event loop stood still count as in time: they are read before `fallback` is given, though timers run first.
 *
 * Rejects as `work` does. The outcome of work that takes too long is dropped, its failure too.
 */
export function withFallback<T, Fallback>(
  work: Promise<T>,
  ms: number,
  fallback: Fallback,
): Promise<T | Fallback> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(fallback))), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
