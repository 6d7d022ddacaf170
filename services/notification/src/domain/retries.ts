import { backOffMs } from '@warren/timing';

const shortestDelayMs = 5_000;
const longestDelayMs = 3_600_000;
/** For mails that somebody is waiting for. */
const longestAwaitedDelayMs = 60_000;
/** Also ends a delivery that crashes its process with each try. */
const mostAttempts = 100;

/**
 * Milliseconds after which a notice is too old for a mail or a push. A mail server may be down for a day and a half.
 */
export const worthTellingMs = 36 * 3_600_000;

/**
 * Why a delivery that was taken for the `attempts`th time is given up without a try; `undefined` if it is tried. The
 * processes that took it before may have crashed before they settled it.
 */
export function reasonToGiveUp(
  attempts: number,
  { now, giveUpAt }: { now: Date; giveUpAt: Date },
): 'too-late' | 'too-often' | undefined {
  if (giveUpAt.getTime() <= now.getTime()) return 'too-late';
  return attempts > mostAttempts ? 'too-often' : undefined;
}

/** What the time of the next try depends on. */
export interface FailedDelivery {
  now: Date;
  giveUpAt: Date;
  /** Somebody is waiting for it, and only until `giveUpAt`. */
  isAwaited?: boolean;
}

/**
 * Milliseconds until the next try; `undefined` after the last one. The delay starts at 5 s and doubles with each try,
 * up to an hour, or to about a minute if somebody is waiting. Up to a fifth is taken off at random, so that deliveries
 * that failed together don't come back together.
 *
 * @param attempts how many tries there were
 * @param random from 0 to 1
 */
export function retryDelay(
  attempts: number,
  failed: FailedDelivery,
  random = Math.random(),
): number | undefined {
  const triesLeft = mostAttempts - attempts;
  if (triesLeft <= 0) return undefined;
  const longest = failed.isAwaited ? longestAwaitedDelay(failed, triesLeft) : longestDelayMs;
  const delay = backOffMs(attempts, { firstMs: shortestDelayMs, maxMs: longest });
  const jittered = Math.round(delay * (1 - random / 5));
  return failed.now.getTime() + jittered < failed.giveUpAt.getTime() ? jittered : undefined;
}

/** A minute, or more if the tries that are left would end before `giveUpAt`. */
function longestAwaitedDelay({ now, giveUpAt }: FailedDelivery, triesLeft: number): number {
  const evenly = (giveUpAt.getTime() - now.getTime()) / triesLeft;
  return Math.min(Math.max(longestAwaitedDelayMs, evenly), longestDelayMs);
}
