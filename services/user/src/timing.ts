/** How often the jobs run, in milliseconds. */
export interface Timing {
  /** Also the longest time until an instance loads a key that another one made. */
  keepKeysEveryMs: number;
  pruneEveryMs: number;
}

export const defaultTiming: Timing = {
  keepKeysEveryMs: 30_000,
  pruneEveryMs: 60_000,
};
