import { AppError, type Presence } from '@warren/contracts';
import type { CommandSocket } from '@warren/realtime';
import type { Background } from '@warren/service-kit';
import type { Logger } from 'pino';

/** People whom one socket may watch. */
export const mostWatched = 500;
/** Read at a time. */
const pageSize = 500;
/** Everybody who is watched is looked at so often, whatever hints were lost, in milliseconds. */
const lookEveryMs = 15_000;

export interface WatchersParts {
  read(userIds: readonly string[]): Promise<Presence[]>;
  log: Logger;
}

interface Watched {
  sockets: Set<CommandSocket>;
  /** What its sockets were last told. */
  told: string | undefined;
}

/** Which sockets of this process want to know of whom. Told is only what differs from what was told before. */
export class Watchers implements Background {
  readonly name = 'presence watchers';
  readonly #parts: WatchersParts;
  readonly #watched = new Map<string, Watched>();
  readonly #bySocket = new Map<CommandSocket, Set<string>>();
  /** Sockets whose leaving is waited for. */
  readonly #known = new WeakSet<CommandSocket>();
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

  /** Follows first and reads then: what changes in between is told. Throws `invalid-request` for too many. */
  async watch(socket: CommandSocket, userIds: readonly string[]): Promise<Presence[]> {
    const own = this.#bySocket.get(socket) ?? new Set();
    const wanted = new Set([...own, ...userIds]);
    if (wanted.size > mostWatched) {
      throw new AppError('invalid-request', { errors: [{ pointer: '/userIds', code: 'maxItems' }] });
    }
    this.#bySocket.set(socket, wanted);
    for (const userId of userIds) {
      const watched = this.#watched.get(userId) ?? { sockets: new Set(), told: undefined };
      watched.sockets.add(socket);
      this.#watched.set(userId, watched);
    }
    if (!this.#known.has(socket)) {
      this.#known.add(socket);
      socket.onLeave(() => this.unwatch(socket, [...(this.#bySocket.get(socket) ?? [])]));
    }
    const presences = await this.#parts.read([...new Set(userIds)]);
    for (const presence of presences) this.#tell(presence, socket);
    // A look that ran meanwhile may have read something newer than this answer says.
    this.look(userIds);
    return presences;
  }

  unwatch(socket: CommandSocket, userIds: readonly string[]): void {
    const own = this.#bySocket.get(socket);
    if (!own) return;
    for (const userId of userIds) {
      own.delete(userId);
      const watched = this.#watched.get(userId);
      if (watched?.sockets.delete(socket) && watched.sockets.size === 0) this.#watched.delete(userId);
    }
    if (own.size === 0) this.#bySocket.delete(socket);
  }

  /** Something about these people may have changed. */
  look(userIds: readonly string[]): void {
    for (const userId of userIds) if (this.#watched.has(userId)) this.#due.add(userId);
    if (this.#due.size > 0) this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
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

  /** `except` gets it in another way. */
  #tell(presence: Presence, except?: CommandSocket): void {
    const watched = this.#watched.get(presence.userId);
    if (!watched) return;
    const now = JSON.stringify(presence);
    if (watched.told === now) return;
    watched.told = now;
    for (const socket of watched.sockets) if (socket !== except) socket.tell('presence.changed', presence);
  }
}
