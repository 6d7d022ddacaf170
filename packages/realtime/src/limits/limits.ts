import type { Rate } from './token-buckets.js';

/** The limits that a service can set. */
export interface RealtimeLimits {
  /** Handshakes per address and minute. Default 600. */
  handshakesPerMinute: number;
  /** Commands per user and second, with a burst of twice as many. Default 50. */
  commandsPerSecond: number;
  /** Sockets of one user on this node. Default 20. */
  socketsPerUser: number;
  /** A larger packet is answered with `payload-too-large`. Bytes. Default 64 KiB. */
  payloadSoftBytes: number;
  /** A larger packet closes the connection. Bytes. Default 256 KiB. */
  payloadHardBytes: number;
  /** A socket with more unsent bytes than this gets `feed.behind` and no more pushes. Default 1 MiB. */
  unsentBytes: number;
  /** Connections of one address that have joined no namespace. The total is limited to five times as many. Default 1,000. */
  unjoinedPerAddress: number;
  /**
   * How much of their feed one user may pull on this node, in entries, or in KiB if that is more. Default 1,000 a second
   * with a burst of 40,000.
   */
  pulls: Rate;
}

export const defaultLimits: RealtimeLimits = {
  handshakesPerMinute: 600,
  commandsPerSecond: 50,
  socketsPerUser: 20,
  payloadSoftBytes: 64 * 1024,
  payloadHardBytes: 256 * 1024,
  unsentBytes: 1024 * 1024,
  unjoinedPerAddress: 1_000,
  pulls: { perSecond: 1_000, burst: 40_000 },
};

// Connections

/** WebSocket connections opened in one turn of the event loop. */
export const opensPerTurn = 4;

/** While new TCP connections keep coming, this many are accepted before WebSocket connections are opened again. */
export const acceptsBetweenOpens = 64;

/** The total of connections that have joined no namespace, as a multiple of the limit for one address. */
export const unjoinedTotalFactor = 5;

/** Packets of a connection that has joined no namespace. It needs one CONNECT, and one answer to each ping. */
export const unjoinedPackets: Rate = { perSecond: 1, burst: 20 };

/** Ping and pong frames of the WebSocket protocol. Browsers send none, other clients one in many seconds. */
export const controlFrames: Rate = { perSecond: 2, burst: 20 };

/** Packets that one connection may send for each command that its user may send, with a burst of twice as many. */
export const packetsPerCommand = 4;

/** A packet counts as one more for each of this many bytes. */
export const bytesPerPacketToken = 16 * 1024;

/** A connection that sends while this many times `unsentBytes` are unsent is cut off. */
export const unsentBudgetsBeforeCut = 4;

// Handshakes

/** Characters. Tokens with many roles stay far below this, and HTTP would refuse a header of this size. */
export const maxTokenLength = 8192;

/** Characters. */
export const maxCursorLength = 512;

/** Milliseconds that verifying a token may take. */
export const verifyTimeoutMs = 10_000;

// Commands

/** Commands of one socket that may run at the same time. */
export const concurrentCommands = 16;

/** Milliseconds after which the client of a running command is answered `outcome-unknown`. */
export const commandTimeoutMs = 30_000;

/**
 * Commands above a user's rate are answered `rate-limited`, at most as many a second as the rate, with a burst of this
 * many seconds. A socket that exceeds this too is closed.
 */
export const refusalBurstSeconds = 10;

// Feeds

/** Entries in one page of a feed, while a socket catches up. */
export const pageSize = 100;

/** Feeds that one statement reads. */
export const feedsPerStatement = 200;

/** Bytes of data that one statement reads. Its feeds share them, and each gets at least `minPageBytes`. */
export const statementBytes = 1024 * 1024;
export const minPageBytes = 16 * 1024;

/** Entries that are written to sockets before the event loop turns, so that other work gets its time. */
export const entriesPerTurn = 32;

/** Milliseconds that one statement may take to read feeds. */
export const feedTimeoutMs = 5_000;
/** Delays after a feed could not be read, in milliseconds. */
export const readBackOff = { firstMs: 250, maxMs: 5_000 };

/** Milliseconds that a request for a feed may wait for its statement. */
export const feedQueueTimeoutMs = 30_000;

// feed.pull

/** Entries in the answer to one `feed.pull`, whatever its `limit`. */
export const maxPullLimit = 500;

/** Pulls that run at the same time, each of another user. */
export const concurrentPulls = 2;

/** Pulls of one user that wait while another one of theirs runs. */
export const maxWaitingPulls = 4;

/** Milliseconds that a pull may wait for its turn. */
export const pullQueueTimeoutMs = 10_000;

/**
 * A user with budget left may pull this many times faster than the budget refills. The pause after each of their pulls
 * enforces it.
 */
export const pullSpeedFactor = 5;
