import type { RealtimeLimits } from '../api.js';

export const defaultLimits: RealtimeLimits = {
  handshakesPerMinute: 600,
  commandsPerSecond: 50,
  socketsPerUser: 20,
  payloadSoftBytes: 64 * 1024,
  payloadHardBytes: 256 * 1024,
  unsentBytes: 1024 * 1024,
};

/** Commands of one socket that may run at the same time. */
export const commandsAtOnce = 16;

/** A connection whose answers alone pile up to so many budgets is closed: it writes but never reads. */
export const unsentBudgetsBeforeClosing = 4;

/** Characters. Access tokens with many roles stay far below; a header of this size would be refused anyway. */
export const maxTokenLength = 8192;

export const maxCursorLength = 512;

/** Entries per read of a feed while a socket catches up. */
export const pageSize = 100;

/** Most entries one `feed.pull` answers, whatever its `limit`. */
export const maxPullLimit = 500;

/** Milliseconds. */
export const verifyTimeout = 10_000;
export const feedTimeout = 5_000;
export const commandTimeout = 30_000;
