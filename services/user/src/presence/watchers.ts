import { AppError } from '@warren/contracts';
import type { Background } from '@warren/service-kit';
import type { Presence } from '@warren/user-contract';
import type { Logger } from 'pino';
import type { UserSocket } from '../context.js';

/** People whom one socket may watch. */
export const mostWatched = 500;
/** People whom one person may watch over all sockets that they have here, counted for each socket. */
export const mostWatchedByPerson = 2_000;
/** Read at a time. */
const pageSize = 500;
/** Everybody who is watched is looked at so often, whatever hints were lost, in milliseconds. */
const lookEveryMs = 15_000;

export interface WatchersParts {
  read(userIds: readonly string[]): Promise<Presence[]>;
  log: Logger;
}

interface Watched {
  sockets: Set<UserSocket>;
  /** Those that weren't told what was told last: the next look tells them. */
  untold: Set<UserSocket>;
  /** What its sockets were last told. */
  told: string | undefined;
}

/** A socket that watches, and whose it is. */
interface Watcher {
  personId: string;
  userIds: Set<string>;
}

/** Which sockets of this process want to know of whom. Told is only what differs from what was told before. */
export class Watchers implements Background {
  readonly name = 'presence watchers';
  readonly #parts: WatchersParts;
  readonly #watched = new Map<string, Watched>();
  readonly #bySocket = new Map<UserSocket, Watcher>();
  readonly #byPerson = new Map<string, Set<UserSocket>>();
  /** Sockets whose leaving is waited for. */
  readonly #known = new WeakSet<UserSocket>();
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: WatchersParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.look([...this.#watched.keys()]), lookEveryMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#due.clear();
    await this.#looking;
  }

  /**
   * Has this person's socket follow these people. Follows first and reads then: what changes in between is told.
   *
   * Throws `invalid-request` for too many.
   */
  async watch(socket: UserSocket, personId: string, userIds: readonly string[]): Promise<Presence[]> {
    const watcher = this.#bySocket.get(socket) ?? { personId, userIds: new Set() };
    const added = new Set(userIds.filter((userId) => !watcher.userIds.has(userId))).size;
    const tooMany =
      watcher.userIds.size + added > mostWatched || this.#watchedBy(personId) + added > mostWatchedByPerson;
    if (tooMany) {
      throw new AppError('invalid-request', { errors: [{ pointer: '/userIds', code: 'maxItems' }] });
    }
    this.#follow(socket, watcher, userIds);
    if (!this.#known.has(socket)) {
      this.#known.add(socket);
      socket.onLeave(() => this.unwatch(socket, [...(this.#bySocket.get(socket)?.userIds ?? [])]));
    }
    const presences = await this.#parts.read([...new Set(userIds)]);
    for (const presence of presences) this.#tell(presence, socket);
    // A look that ran meanwhile may have read something newer than this answer says.
    this.look(userIds);
    return presences;
  }

  unwatch(socket: UserSocket, userIds: readonly string[]): void {
    const watcher = this.#bySocket.get(socket);
    if (!watcher) return;
    for (const userId of userIds) {
      watcher.userIds.delete(userId);
      const watched = this.#watched.get(userId);
      watched?.untold.delete(socket);
      if (watched?.sockets.delete(socket) && watched.sockets.size === 0) this.#watched.delete(userId);
    }
    if (watcher.userIds.size > 0) return;
    this.#bySocket.delete(socket);
    const sockets = this.#byPerson.get(watcher.personId);
    if (sockets?.delete(socket) && sockets.size === 0) this.#byPerson.delete(watcher.personId);
  }

  #follow(socket: UserSocket, watcher: Watcher, userIds: readonly string[]): void {
    this.#bySocket.set(socket, watcher);
    const own = this.#byPerson.get(watcher.personId) ?? new Set();
    this.#byPerson.set(watcher.personId, own.add(socket));
    for (const userId of userIds) {
      watcher.userIds.add(userId);
      const watched = this.#watched.get(userId) ?? { sockets: new Set(), untold: new Set(), told: undefined };
      watched.sockets.add(socket);
      this.#watched.set(userId, watched);
    }
  }

  #watchedBy(personId: string): number {
    const sockets = [...(this.#byPerson.get(personId) ?? [])];
    return sockets.reduce((sum, socket) => sum + (this.#bySocket.get(socket)?.userIds.size ?? 0), 0);
  }

  /** Something about these people may have changed. */
  look(userIds: readonly string[]): void {
    for (const userId of userIds) if (this.#watched.has(userId)) this.#due.add(userId);
    if (this.#due.size > 0) this.#looking ??= this.#look().finally(() => this.#looked());
  }

  /** One read after the other, so that no older answer overtakes a newer one. */
  async #look(): Promise<void> {
    while (this.#due.size > 0) {
      const page = [...this.#due].slice(0, pageSize);
      for (const userId of page) this.#due.delete(userId);
      try {
        for (const presence of await this.#parts.read(page)) this.#tell(presence);
      } catch (error) {
        this.#parts.log.warn({ err: error }, 'presence could not be read; the next look will');
      }
    }
  }

  /** Somebody may have become due when the last read had ended and this wasn't known yet. */
  #looked(): void {
    this.#looking = undefined;
    this.look([]);
  }

  /** `except` gets it in another way. */
  #tell(presence: Presence, except?: UserSocket): void {
    const watched = this.#watched.get(presence.userId);
    if (!watched) return;
    const now = JSON.stringify(presence);
    const due = watched.told === now ? [...watched.untold] : [...watched.sockets];
    watched.told = now;
    if (except) watched.untold.delete(except);
    for (const socket of due) {
      if (socket === except) continue;
      if (socket.tell('presence.changed', presence)) watched.untold.delete(socket);
      else watched.untold.add(socket);
    }
  }
}
