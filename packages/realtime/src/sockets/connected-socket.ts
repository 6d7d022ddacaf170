import { AppError, type KitErrorCode } from '@warren/contracts';
import { after, backOffMs, jittered } from '@warren/timing';
import type { FeedPosition, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { CommandSocket, Principal } from '../api.js';
import type { FeedBatcher } from '../feed/feed-batcher.js';
import { FeedSocket, type Outlet } from '../feed/feed-socket.js';
import type { Hub } from '../feed/hub.js';
import { type Opening, openingOf, type RequestedCursor, requestOpening } from '../feed/opening.js';
import type { UserFeed } from '../feed/user-feed.js';
import { readBackOff } from '../limits/limits.js';
import type { ConnectionGuard } from '../server/connection-guard.js';
import type { WireSocket } from '../server/socket-server.js';
import type { Counters } from '../stats.js';
import { TokenExpiry } from './token-expiry.js';

export interface SocketContext {
  node: string;
  hub: Hub;
  feeds: Pick<FeedReader, 'sameEpoch'>;
  /** Reads where sockets start. */
  openings: FeedBatcher;
  unsentBytes: number;
  counters: Counters;
  log: Logger;
  /** Milliseconds after which a socket that joins now should reconnect; undefined unless the node drains. */
  slotIfDraining(): number | undefined;
}

/** One client that passed its handshake, from join to leave. */
export class ConnectedSocket implements Outlet, CommandSocket {
  principal: Principal;
  readonly feed: FeedSocket;
  readonly user: UserFeed;
  readonly #socket: WireSocket;
  readonly #context: SocketContext;
  readonly #guard: ConnectionGuard;
  readonly #tokenExpiry: TokenExpiry;
  readonly #running = new Set<Promise<unknown>>();
  readonly #leaveListeners: (() => void)[] = [];
  #left = false;
  /** Ends what a starting socket waits for: the read of its feed, or the next attempt. */
  #stopWaiting: (() => void) | undefined;

  /** Joins the hub at once. Only then is the feed read, so that no entry is missed in between. */
  constructor(socket: WireSocket, guard: ConnectionGuard, principal: Principal, context: SocketContext) {
    this.#socket = socket;
    this.#guard = guard;
    this.#context = context;
    this.principal = principal;
    guard.meter.onDrain(() => this.#onDrain());
    this.#tokenExpiry = new TokenExpiry({
      expiring: (inMs) => this.emit('session.expiring', { inMs }),
      expired: () => this.end('token-expired'),
    });
    this.feed = new FeedSocket(this, context.unsentBytes, context.feeds.sameEpoch);
    this.user = context.hub.join(principal.userId, this.feed);
    socket.once('disconnect', () => this.#leave());
  }

  /**
   * Sends `session.ready`, then the missed entries, then goes live.
   *
   * While the database can't be read, the client stays connected and its feed starts later.
   */
  async start(requested: RequestedCursor): Promise<void> {
    await this.user.following;
    if (this.#left) return;
    let opening = await this.#tryOpening(requested);
    if (this.#left) return;
    this.#sendReady(opening);
    const isLate = opening === undefined;
    for (let attempt = 1; !opening; attempt++) {
      await this.#pause(jittered(backOffMs(attempt, readBackOff)));
      if (!this.#left) opening = await this.#tryOpening(requested);
      if (this.#left) return;
    }
    // A client without a cursor can't know which entries were written since it joined.
    this.#begin(isLate && requested.kind === 'none' ? { ...opening, reset: 'unavailable' } : opening);
  }

  get left(): boolean {
    return this.#left;
  }

  emit(event: string, ...args: unknown[]): void {
    this.#socket.emit(event, ...args);
  }

  tell(event: string, data: unknown): boolean {
    if (this.#left || this.#guard.meter.bytes > this.#context.unsentBytes) return false;
    this.emit(event, data);
    return true;
  }

  onLeave(listener: () => void): void {
    if (this.#left) listener();
    else this.#leaveListeners.push(listener);
  }

  unsentBytes(): number {
    return this.#guard.meter.bytes;
  }

  /** The number of commands that are running. */
  get runningCommands(): number {
    return this.#running.size;
  }

  /** Counts a command as running until `work` settles. Settles as `work` does. */
  trackCommand<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /** Resolves when no command is running. */
  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  renew(principal: Principal): void {
    this.principal = principal;
    this.#tokenExpiry.restart(principal.expiresAt);
  }

  /** The client has pulled everything up to `head`, so pushes reach it again from there on. */
  returnToLive(head: FeedPosition): void {
    // An older head than the last push would send that push twice.
    if (this.feed.mode === 'behind' && head.seq >= this.feed.sent) this.user.begin(this.feed, head, head);
  }

  /** Ends the socket for good: the client is told why, and Socket.IO clients don't reconnect by themselves. */
  end(code: KitErrorCode): void {
    const { temporary } = new AppError(code);
    this.emit('session.ended', { code, temporary });
    this.#socket.disconnect(true);
    this.#guard.close();
  }

  /** Closes the connection. Socket.IO clients reconnect by themselves. */
  closeTransport(): void {
    this.#guard.close();
  }

  /** Resolves to undefined if the feed can't be read, or the socket has left. */
  async #tryOpening(requested: RequestedCursor): Promise<Opening | undefined> {
    const { openings, log } = this.#context;
    const { userId } = this.principal;
    try {
      const { answer, cancel } = requestOpening(openings, userId, requested);
      this.#stopWaiting = cancel;
      const found = await answer;
      return found && openingOf(found, requested);
    } catch (error) {
      log.debug({ err: error, userId }, 'could not read a feed; its socket starts later');
      return undefined;
    }
  }

  #sendReady(opening: Opening | undefined): void {
    const { userId, sessionId, expiresAt } = this.principal;
    const head = opening?.head.cursor ?? null;
    const resumedFrom = opening?.resumedFrom ?? null;
    this.emit('session.ready', { userId, sessionId, node: this.#context.node, head, resumedFrom });
    this.#tokenExpiry.start(expiresAt);
    const slot = this.#context.slotIfDraining();
    if (slot !== undefined) this.emit('session.draining', { reconnectAfterMs: slot });
  }

  #begin({ head, after: position, entries, reset, resumedFrom }: Opening): void {
    const { counters } = this.#context;
    if (reset) {
      counters.resets[reset]++;
      this.feed.reset(head, reset);
    }
    if (resumedFrom !== null) counters.resumes++;
    this.user.begin(this.feed, position, head, entries);
  }

  /** Ends early if the socket leaves. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = after(ms, resolve);
      this.#stopWaiting = () => {
        cancel();
        resolve();
      };
    });
  }

  #onDrain(): void {
    if (!this.#left && this.feed.mode === 'reading' && this.feed.drained) this.user.wake();
  }

  #leave(): void {
    this.#left = true;
    this.#tokenExpiry.stop();
    this.#stopWaiting?.();
    this.#context.hub.leave(this.user.userId, this.feed);
    for (const listener of this.#leaveListeners.splice(0)) listener();
    // A connection has one namespace, so nothing is left to serve on it.
    this.closeTransport();
  }
}
