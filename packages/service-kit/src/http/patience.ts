/**
 * What `work` resolves to, or `otherwise` after `ms` milliseconds. Where the event loop stood still for so long, what has
 * arrived meanwhile is looked at first: timers would come before it.
 *
 * Rejects as `work` does. What becomes of work that is too late is dropped, its failure too.
 */
export function patiently<T, Otherwise>(
  work: Promise<T>,
  ms: number,
  otherwise: Otherwise,
): Promise<T | Otherwise> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(otherwise))), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
