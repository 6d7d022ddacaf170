import type { IncomingMessage, Server } from 'node:http';
import type { NodeBus } from '@warren/node-bus';
import type { FeedEntry, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { RealtimeLimits } from './limits/limits.js';
import type { RealtimeStats } from './stats.js';

/** The user behind a socket or a request, as their access token says. */
export interface Principal {
  userId: string;
  sessionId: string;
  roles: readonly string[];
  /** When the token expires, in milliseconds since 1970. */
  expiresAt: number;
}

/** Throws `AppError` `unauthenticated` or `token-expired`. */
export type VerifyToken = (token: string) => Promise<Principal>;

/** A socket command. The client is answered with what `handle` resolves to, or with the `AppError` that it throws. */
export interface SocketCommand {
  name: string;
  /** Checks the input against the contract; throws `AppError` `invalid-request` with pointers. */
  check(input: unknown): unknown;
  handle(input: unknown, context: CommandContext, socket: CommandSocket): Promise<unknown>;
}

export interface CommandContext {
  principal: Principal;
  /** The idempotency key, if the client sent one. It is not part of the input. */
  commandId: string | undefined;
  correlationId: string;
}

/** The socket that sent a command. For state that lives as long as the socket. */
export interface CommandSocket {
  /**
   * Sends an event that is no feed entry, at most once. Returns false, and sends nothing, if the socket has left or reads
   * too slowly.
   */
  tell(event: string, data: unknown): boolean;
  /** Calls `listener` when the socket leaves, or now if it already has. */
  onLeave(listener: () => void): void;
}

/** Is told about users, not sockets: the first socket of a user on this node joins, the last one leaves. */
export interface UserListener {
  joined(userId: string): void;
  left(userId: string): void;
}

export interface RealtimeOptions {
  /** The HTTP server for the WebSocket upgrades. The caller starts and closes it. */
  server: Server;
  /** The service that owns the namespace; also the namespace without its slash. */
  service: string;
  /** The name of this process in `session.ready` and in logs. */
  node: string;
  /** The path of Socket.IO, for example `/socket.io`. */
  path: string;
  /** Browser origins that may use long-polling. WebSockets need no list, since they carry their own token. */
  corsOrigins: readonly string[];
  /** Adds long-polling. Needs a load balancer that keeps each client on one node. */
  polling: boolean;
  verifyToken: VerifyToken;
  /** Whether tokens can be verified yet. Until then new connections are refused with 503. Default: true. */
  isReady?: () => boolean;
  /** Whether a session ended before its token expired. Asked after each join. Default: false. */
  isRevoked?: (sessionId: string) => boolean;
  feeds: FeedReader;
  commands: readonly SocketCommand[];
  /** Reaches the other nodes. The caller closes it, after this node, so that commits during shutdown still reach them. */
  nodes: NodeBus;
  /** Must not throw. */
  users?: UserListener;
  limits?: Partial<RealtimeLimits>;
  log: Logger;
  /** The address that a connection counts for. Default: the TCP peer. Behind a proxy, read the header that it sets. */
  clientAddress?: (request: IncomingMessage) => string;
  /** Milliseconds between pings. Default 10 s. Interval and time-out together must not exceed 20 s. */
  pingIntervalMs?: number;
  /** Milliseconds to wait for a pong. Default 8 s. */
  pingTimeoutMs?: number;
  /** Milliseconds in which the feeds of all connected users are checked once for missed entries. Default 15 s. */
  sweepMs?: number;
}

/** The server side of one namespace. */
export interface RealtimeNode {
  /** Pushes entries that were just committed to the sockets here and to the other nodes. Never throws. */
  committed(entries: readonly FeedEntry[]): void;
  /** Sends a hint to the other nodes of this service, at most once. Never throws. */
  hint(topic: string, keys: readonly string[]): void;
  /** Calls `listener` with the keys of each hint on the topic from another node. */
  onHint(topic: string, listener: (keys: readonly string[]) => void): void;
  /** The ids of the users who have a socket here. */
  connectedUsers(): string[];
  readonly socketCount: number;
  stats(): RealtimeStats;
  /**
   * Ends every socket of these sessions with `session-revoked`. Make `isRevoked` return true for them first: it is asked
   * for sockets that join later, so no socket slips through.
   */
  endSessions(sessionIds: ReadonlySet<string>): void;
  /** Refuses new connections from now on, with 503 at the upgrade. Open connections are served as before. */
  refuse(): void;
  /**
   * Refuses new connections, asks clients to leave one after another, serves them until all are gone or `withinMs`
   * milliseconds are over, and closes the rest.
   */
  drain(withinMs: number): Promise<void>;
  /** Closes every connection and stops every timer. Resolves when all connections are gone, within 3 s. */
  close(): Promise<void>;
}
