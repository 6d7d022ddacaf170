import type { RealtimeLimits } from '../api.js';
import type { Rate } from './token-buckets.js';

export const defaultLimits: RealtimeLimits = {
  handshakesPerMinute: 600,
  commandsPerSecond: 50,
  socketsPerUser: 20,
  payloadSoftBytes: 64 * 1024,
  payloadHardBytes: 256 * 1024,
  unsentBytes: 1024 * 1024,
  unjoinedPerAddress: 1_000,
  pulled: { perSecond: 1_000, burst: 40_000 },
};

/** Commands of one socket that may run at the same time. */
export const commandsAtOnce = 16;

/** A connection that leaves so many budgets unread and still writes is cut off. */
export const unsentBudgetsBeforeClosing = 4;

/** Packets that one connection may send for each command of its user, with a burst of twice as many. */
export const packetsPerCommand = 4;

/** A larger packet counts as one more for each of so many bytes. */
export const bytesPerPacketToken = 16 * 1024;

/** Packets before a connection has joined: it sends one CONNECT, and an answer to each ping. */
export const packetsUnjoined: Rate = { perSecond: 1, burst: 20 };

/** Pings and pongs of WebSocket itself. Browsers send none, other clients one in many seconds. */
export const controlFrames: Rate = { perSecond: 2, burst: 20 };

/** Commands above a user's rate are refused at the same rate, with so many seconds' worth at once; then sockets end. */
export const refusedBurstSeconds = 10;

/** Characters. Access tokens with many roles stay far below; a header of this size would be refused anyway. */
export const maxTokenLength = 8192;

export const maxCursorLength = 512;

/** Entries per read of a feed while a socket catches up. */
export const pageSize = 100;

/** Most feeds that one statement reads. */
export const feedsAtOnce = 200;

/** Bytes of data that one statement reads, shared out to its feeds: each gets `leastPageBytes` at least. */
export const statementBytes = 1024 * 1024;
export const leastPageBytes = 16 * 1024;

/** Most WebSocket connections that are opened in one turn of the event loop. */
export const opensAtOnce = 4;

/** TCP connections that are accepted before WebSocket connections are opened again, while more of them come. */
export const acceptsBetweenOpens = 64;

/** Entries that are written to sockets before others get their turn of the event loop. */
export const entriesAtOnce = 32;

/** Most entries one `feed.pull` answers, whatever its `limit`. */
export const maxPullLimit = 500;

/** Pulls that are read at the same time, of different people. */
export const pullsAtOnce = 2;

/** Somebody with budget left may pull this many times faster than the budget refills; pauses between their pulls see to it. */
export const pulledInARow = 5;

/** Pulls of one person that wait behind the one that is under way. */
export const pullsWaiting = 4;

/** Milliseconds. */
export const pullWaitTimeout = 10_000;
export const verifyTimeout = 10_000;
export const feedTimeout = 5_000;
/** The longest that a question about a feed waits for its turn to be read. */
export const waitTimeout = 30_000;
export const commandTimeout = 30_000;
