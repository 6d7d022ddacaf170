import type { IncomingMessage, Server } from 'node:http';
import type { AppError } from '@warren/contracts';
import type { FeedEntry, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { Rate } from './limits/token-buckets.js';

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
  handle(input: unknown, context: CommandContext, socket: CommandSocket): Promise<unknown>;
}

/** The socket that a command came by, for what lasts as long as the socket does. */
export interface CommandSocket {
  /** Live only and at most once. False for a socket that reads too slowly, or has left: it wasn't told. */
  tell(event: string, data: unknown): boolean;
  /** Calls once the socket has left; at once if it already has. */
  onLeave(listener: () => void): void;
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
  /** False while there is nobody to hear a broadcast. May be wrong for a moment, like all that a link tells. */
  readonly hasPeers: boolean;
  onMessage(listener: (message: NodeMessage) => void): void;
  readonly state: 'up' | 'degraded';
  /** Why the broker has refused this link since it began; only an operator can change that. For logs. */
  readonly refused?: string | undefined;
  /** Messages dropped since nobody of this service published them. Absent where nobody else can. */
  readonly unauthorized?: number;
  close(): Promise<void>;
}

export type NodeMessage = FeedMessage | HintMessage;

/** Something about these keys may have changed: who cares looks at the truth, in the database. */
export interface HintMessage {
  kind: 'hint';
  service: string;
  topic: string;
  keys: string[];
}

export interface FeedMessage {
  kind: 'feed';
  /** The service whose feed it is; also the namespace without its slash. */
  service: string;
  entries: FeedEntry[];
}

/** Hears of people, not of sockets: the first of someone's sockets on this node joins, the last one leaves. */
export interface UserListener {
  joined(userId: string): void;
  left(userId: string): void;
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
  /** Connections of one address that have joined nothing yet; five times as many in total. Default 1,000. */
  unjoinedPerAddress: number;
  /**
   * How much of their feed one user may pull on this node: entries, or KiB where these are more. Default 1,000 a second,
   * 40,000 at once.
   */
  pulled: Rate;
}

export interface RealtimeOptions {
  /** Carries the WebSocket upgrades. Stays the caller's: it is neither started nor closed here. */
  server: Server;
  /** The service whose voice this is; the namespace without its slash. */
  service: string;
  /** Names this process in `session.ready` and in logs. */
  node: string;
  /** Where Socket.IO answers, for example `/socket.io`. */
  path: string;
  /** Browser origins that may use long-polling; WebSockets carry their own token and need no list. */
  corsOrigins: readonly string[];
  /** Adds long-polling. Only where the load balancer keeps a client on one node. */
  polling: boolean;
  verifyToken: VerifyToken;
  /** False while no token can be verified yet: until then new connections are refused with 503. Default: true. */
  isReady?: () => boolean;
  /** Whether a session is known to have ended before its token. Asked after each join. Default: none has. */
  isRevoked?: (sessionId: string) => boolean;
  feeds: FeedReader;
  commands: readonly SocketCommand[];
  /** Stays the caller's: not closed here, so that what commits during shutdown still reaches other nodes. */
  link: NodeLink;
  /** Must not throw. */
  users?: UserListener;
  limits?: Partial<RealtimeLimits>;
  log: Logger;
  /** Whom a handshake counts for. Default: the TCP peer. Behind a proxy, read the header that it sets. */
  clientAddress?: (request: IncomingMessage) => string;
  /** Milliseconds. Interval and time-out together stay at or below 20 s. Default 10 s and 8 s. */
  pingIntervalMs?: number;
  pingTimeoutMs?: number;
  /** In how many milliseconds the heads of all connected users are compared once. Default 15 s. */
  sweepMs?: number;
}

/** The server side of one namespace. */
export interface RealtimeNode {
  /** Entries that just committed here: own sockets at once, other nodes over the link. Never throws. */
  committed(entries: readonly FeedEntry[]): void;
  /** To the other nodes of this service: a hurry only, lost like any other message. Never throws. */
  hint(topic: string, keys: readonly string[]): void;
  /** Hints of other nodes. */
  onHint(listener: (topic: string, keys: readonly string[]) => void): void;
  /** Who has a socket here. */
  connectedUsers(): string[];
  readonly socketCount: number;
  /** Counters since the start, and gauges. */
  stats(): RealtimeStats;
  /**
   * Ends every socket of these sessions with `session-revoked`. A socket that joins later asks `isRevoked`: so who
   * makes that true before calling this leaves no socket between the two.
   */
  endSessions(sessionIds: ReadonlySet<string>): void;
  /** Refuses new connections from now on, with 503 at the upgrade. Those that stand are served as before. */
  refuse(): void;
  /** Refuses upgrades, hands out slots, serves until `withinMs` is over or all are gone, closes the rest. */
  drain(withinMs: number): Promise<void>;
  /** Closes every transport and stops every timer. Resolves when all connections are gone, within 3 s. */
  close(): Promise<void>;
}

export interface RealtimeStats {
  /** Gauges. */
  sockets: number;
  users: number;
  /** Connections that have joined nothing. */
  unjoined: number;
  /** Sockets that wait until it is looked up where in their feed they start. */
  opening: number;
  /** Entries that came from other nodes, for a user who is connected here or isn't. */
  pushesUseful: number;
  pushesWasted: number;
  /** Entries written to sockets, by push or by reading. */
  entriesSent: number;
  /** Pushes that found something missing before them. */
  gaps: number;
  /** Users for whom a sweep found entries that no push had told of. */
  sweepRepairs: number;
  /** Sockets that went on from their cursor. */
  resumes: number;
  resets: Record<ResetReason, number>;
  /** Sockets that read too slowly and were sent `feed.behind`. */
  drops: number;
  handshakesRefused: Partial<Record<string, number>>;
  /** Connections refused with 503, before any handshake. */
  upgradesRefused: number;
  /** Connections that sent too much or read too little, and were cut off. */
  connectionsCut: number;
}

/** Why a client can't go on from its cursor. `unavailable`: it had none, and the feed was unreadable for a while. */
export type ResetReason = 'unknown' | 'epoch' | 'too-old' | 'unavailable';

export type { AppError };
