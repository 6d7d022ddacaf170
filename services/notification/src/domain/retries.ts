const shortestDelayMs = 5_000;
const longestDelayMs = 3_600_000;
/** Where somebody sits in front of their mailbox. */
const longestAwaitedDelayMs = 60_000;
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

/** A delivery that failed, as far as the time of its next try depends on it. */
export interface Failed {
  now: Date;
  giveUpAt: Date;
  /** Somebody waits for it, and only until it is given up. */
  isAwaited?: boolean;
}

/**
 * Milliseconds until the next try: 5 s, doubled with each one, up to an hour, or about a minute where somebody waits;
 * less up to a fifth so that those that failed together don't come back together. `undefined` after the last one.
 */
export function retryDelay(attempts: number, failed: Failed, random = Math.random()): number | undefined {
  const triesLeft = mostAttempts - attempts;
  if (triesLeft <= 0) return undefined;
  const longest = failed.isAwaited ? longestAwaitedDelay(failed, triesLeft) : longestDelayMs;
  const delay = Math.min(shortestDelayMs * 2 ** Math.min(attempts - 1, 20), longest);
  const jittered = Math.round(delay * (1 - random / 5));
  return failed.now.getTime() + jittered < failed.giveUpAt.getTime() ? jittered : undefined;
}

/** A minute, or more where the tries that are left would end before the time does. */
function longestAwaitedDelay({ now, giveUpAt }: Failed, triesLeft: number): number {
  const evenly = (giveUpAt.getTime() - now.getTime()) / triesLeft;
  return Math.min(Math.max(longestAwaitedDelayMs, evenly), longestDelayMs);
}
