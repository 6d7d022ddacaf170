import { AppError } from '@warren/contracts';
import type { Background } from '@warren/service-kit';
import type { Presence } from '@warren/user-contract';
import type { UserContext, UserSocket } from '../context.js';

/** The most users that one socket may watch. */
export const mostWatchedBySocket = 500;
/** The most users that one user may watch over all of their sockets in this process, counted once for each socket. */
export const mostWatchedByUser = 2_000;
/** The most users in one read. */
const pageSize = 500;
/** Milliseconds between reads of all watched users. They make up for lost hints. */
const refreshEveryMs = 15_000;

interface Dependencies {
  read(userIds: readonly string[]): Promise<Presence[]>;
  log: UserContext['log'];
}

interface Watched {
  sockets: Set<UserSocket>;
  /** Sockets that missed the last presence that was sent. The next refresh sends it. */
  behind: Set<UserSocket>;
  /** The last presence that was sent, as JSON. */
  sent: string | undefined;
}

/** A socket that watches, with its user. */
interface Watcher {
  ownerId: string;
  userIds: Set<string>;
}

/**
 * The sockets of this process that watch users. It sends them a user's presence if that differs from the last one that
 * it sent.
 */
export class PresenceWatchers implements Background {
  readonly name = 'presence watchers';
  readonly #dependencies: Dependencies;
  readonly #watched = new Map<string, Watched>();
  readonly #bySocket = new Map<UserSocket, Watcher>();
  readonly #byOwner = new Map<string, Set<UserSocket>>();
  /** Sockets with a listener for their end. */
  readonly #known = new WeakSet<UserSocket>();
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#timer = setInterval(() => this.refresh([...this.#watched.keys()]), refreshEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#due.clear();
    await this.#reading;
  }

  /**
   * Makes this user's socket watch these users, and resolves to their presence. It subscribes before it reads, so no
   * change in between is lost.
   *
   * @throws AppError `invalid-request` if these are too many users
   */
  async watch(socket: UserSocket, ownerId: string, userIds: readonly string[]): Promise<Presence[]> {
    const watcher = this.#bySocket.get(socket) ?? { ownerId, userIds: new Set() };
    const added = new Set(userIds.filter((userId) => !watcher.userIds.has(userId))).size;
    const tooMany =
      watcher.userIds.size + added > mostWatchedBySocket ||
      this.#countOf(ownerId) + added > mostWatchedByUser;
    if (tooMany) {
      throw new AppError('invalid-request', { errors: [{ pointer: '/userIds', code: 'maxItems' }] });
    }
    this.#follow(socket, watcher, userIds);
    if (!this.#known.has(socket)) {
      this.#known.add(socket);
      socket.onLeave(() => this.unwatch(socket, [...(this.#bySocket.get(socket)?.userIds ?? [])]));
    }
    const presences = await this.#dependencies.read([...new Set(userIds)]);
    for (const presence of presences) this.#send(presence, socket);
    // A refresh in the meantime may have read something newer than this answer.
    this.refresh(userIds);
    return presences;
  }

  unwatch(socket: UserSocket, userIds: readonly string[]): void {
    const watcher = this.#bySocket.get(socket);
    if (!watcher) return;
    for (const userId of userIds) {
      watcher.userIds.delete(userId);
      const watched = this.#watched.get(userId);
      watched?.behind.delete(socket);
      if (watched?.sockets.delete(socket) && watched.sockets.size === 0) this.#watched.delete(userId);
    }
    if (watcher.userIds.size > 0) return;
    this.#bySocket.delete(socket);
    const sockets = this.#byOwner.get(watcher.ownerId);
    if (sockets?.delete(socket) && sockets.size === 0) this.#byOwner.delete(watcher.ownerId);
  }

  #follow(socket: UserSocket, watcher: Watcher, userIds: readonly string[]): void {
    this.#bySocket.set(socket, watcher);
    const own = this.#byOwner.get(watcher.ownerId) ?? new Set();
    this.#byOwner.set(watcher.ownerId, own.add(socket));
    for (const userId of userIds) {
      watcher.userIds.add(userId);
      const watched = this.#watched.get(userId) ?? { sockets: new Set(), behind: new Set(), sent: undefined };
      watched.sockets.add(socket);
      this.#watched.set(userId, watched);
    }
  }

  #countOf(ownerId: string): number {
    const sockets = [...(this.#byOwner.get(ownerId) ?? [])];
    return sockets.reduce((sum, socket) => sum + (this.#bySocket.get(socket)?.userIds.size ?? 0), 0);
  }

  /** Reads the presence of these users again, since it may have changed. */
  refresh(userIds: readonly string[]): void {
    for (const userId of userIds) if (this.#watched.has(userId)) this.#due.add(userId);
    if (this.#due.size > 0) this.#reading ??= this.#readDue().finally(() => this.#afterReading());
  }

  /** Reads run one after another, so that no older result overtakes a newer one. */
  async #readDue(): Promise<void> {
    while (this.#due.size > 0) {
      const page = [...this.#due].slice(0, pageSize);
      for (const userId of page) this.#due.delete(userId);
      try {
        for (const presence of await this.#dependencies.read(page)) this.#send(presence);
      } catch (error) {
        this.#dependencies.log.warn({ err: error }, 'presence could not be read, the next refresh is due');
      }
    }
  }

  /** A user may have become due after the last read had ended and before this was called. */
  #afterReading(): void {
    this.#reading = undefined;
    this.refresh([]);
  }

  /** Sends a presence to the user's watchers. `except` gets it as the answer to its command. */
  #send(presence: Presence, except?: UserSocket): void {
    const watched = this.#watched.get(presence.userId);
    if (!watched) return;
    const json = JSON.stringify(presence);
    const due = watched.sent === json ? [...watched.behind] : [...watched.sockets];
    watched.sent = json;
    if (except) watched.behind.delete(except);
    for (const socket of due) {
      if (socket === except) continue;
      if (socket.tell('presence.changed', presence)) watched.behind.delete(socket);
      else watched.behind.add(socket);
    }
  }
}
