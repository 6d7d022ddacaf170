/** How long things may take, in milliseconds. */
export interface Timing {
  /** A try is given up after this long. */
  sendMs: number;
  /** Covers a try and its settling; past it, somebody else tries. */
  leaseMs: number;
  /** How often is looked for what is due. */
  pollMs: number;
  /** What is under way gets this long when the service stops. */
  stopMs: number;
}

export const defaultTiming: Timing = { sendMs: 30_000, leaseMs: 60_000, pollMs: 1_000, stopMs: 5_000 };
