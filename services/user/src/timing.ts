import type { Clock } from './context.js';

/** By which clock things begin and end, and how often the background looks at them, in milliseconds. */
export interface Timing {
  /** For sessions, mailed tokens, tries and keys. */
  now: Clock;
  /** The longest that an instance takes to notice another one's key. */
  lookAtKeysEvery: number;
  pruneEvery: number;
}

export const defaultTiming: Timing = {
  now: () => new Date(),
  lookAtKeysEvery: 30_000,
  pruneEvery: 60_000,
};
