import { type Background, rounds } from '@warren/service-kit';
import type { UserContext } from '../context.js';

type Dependencies = Pick<UserContext, 'log'> & {
  prune(signal: AbortSignal): Promise<void>;
  everyMs: number;
};

/** Deletes what has expired, and ends expired sessions. */
export function pruner({ log, prune, everyMs }: Dependencies): Background {
  const round = async (signal: AbortSignal) => {
    await prune(signal);
    return false;
  };
  return rounds({ name: 'pruner', everyMs, firstAfterMs: everyMs, log, round });
}
