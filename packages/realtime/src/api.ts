import type { AppError } from '@warren/contracts';
import type { FeedEntry } from '@warren/unit-of-work';

/** Who is behind a socket or a request, as an access token says. */
export interface Principal {
  userId: string;
  sessionId: string;
  roles: readonly string[];
  /** When the token ends, in milliseconds since 1970. */
  expiresAt: number;
}

/** Throws `AppError` `unauthenticated` or `token-expired`. */
export type VerifyToken = (token: string) => Promise<Principal>;

/** A socket command: the acknowledgement carries what `handle` resolves to, or the `AppError` it throws. */
export interface SocketCommand {
  name: string;
  /** Checks the input against the contract; throws `AppError` `invalid-request` with pointers. */
  check(input: unknown): unknown;
  /** `commandId`, if the client sent one, is the idempotency key; the input comes without it. */
  handle(input: unknown, context: CommandContext): Promise<unknown>;
}

export interface CommandContext {
  principal: Principal;
  commandId: string | undefined;
  correlationId: string;
}

/** Node to node within one service: at most once, a hurry only. The feed in the database is the truth. */
export interface NodeLink {
  /** To every other node that hosts this namespace. Never throws and never waits for the broker. */
  broadcast(message: NodeMessage): void;
  onMessage(listener: (message: NodeMessage) => void): void;
  readonly state: 'up' | 'degraded';
  close(): Promise<void>;
}

export interface NodeMessage {
  kind: 'feed';
  /** The service whose feed it is; also the namespace without its slash. */
  service: string;
  entries: FeedEntry[];
}

export interface RealtimeLimits {
  /** Handshakes per address and minute. Default 600. */
  handshakesPerMinute: number;
  /** Commands per user and second, with a burst of twice as many. Default 50. */
  commandsPerSecond: number;
  /** Sockets of one user on this node. Default 20. */
  socketsPerUser: number;
  /** A packet above it is answered `payload-too-large`, in bytes. Default 64 KiB. */
  payloadSoftBytes: number;
  /** A packet above it closes the connection, in bytes. Default 256 KiB. */
  payloadHardBytes: number;
  /** Unsent bytes of one socket before `feed.behind`. Default 1 MiB. */
  unsentBytes: number;
}

/** The server side of one namespace. */
export interface RealtimeNode {
  /** Entries that just committed here: own sockets at once, other nodes over the link. */
  committed(entries: readonly FeedEntry[]): void;
  readonly socketCount: number;
  /** Refuses upgrades, hands out slots, serves until `withinMs` is over or all are gone, closes the rest. */
  drain(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

export type { AppError };
