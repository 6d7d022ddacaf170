const shortestDelayMs = 5_000;
const longestDelayMs = 3_600_000;
/** So often may one be taken. Also ends one that ends its process each time. */
const mostAttempts = 100;

/**
 * Why one that was taken for the `attempts`th time is not even tried; `undefined` where it is. Whoever took it before
 * may have ended before they could settle it.
 */
export function worthNoTry(
  attempts: number,
  { now, giveUpAt }: { now: Date; giveUpAt: Date },
): 'too-late' | 'too-often' | undefined {
  if (giveUpAt.getTime() <= now.getTime()) return 'too-late';
  return attempts > mostAttempts ? 'too-often' : undefined;
}

/** Milliseconds in which something is worth telling outside; a day and a half covers a mail server's bad night. */
export const worthTellingMs = 36 * 3_600_000;

/**
 * Milliseconds until the next try: 5 s, doubled with each one, at most an hour, less up to a fifth so that those that
 * failed together don't come back together. `undefined` after the last one.
 */
export function retryDelay(
  attempts: number,
  { now, giveUpAt }: { now: Date; giveUpAt: Date },
  random = Math.random(),
): number | undefined {
  if (attempts >= mostAttempts) return undefined;
  const delay = Math.min(shortestDelayMs * 2 ** Math.min(attempts - 1, 20), longestDelayMs);
  const jittered = Math.round(delay * (1 - random / 5));
  return now.getTime() + jittered < giveUpAt.getTime() ? jittered : undefined;
}
