import { AppError, type KitErrorCode } from '@warren/contracts';
import type { FeedPosition, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { CommandSocket, Principal } from './api.js';
import { RunningCommands } from './commands/running.js';
import type { FeedBatcher } from './feed/feed-batcher.js';
import { FeedSocket, type Outlet } from './feed/feed-socket.js';
import { askOpening, type Opening, openingOf, type RequestedCursor } from './feed/opening.js';
import type { UserFeed } from './feed/user-feed.js';
import type { Hub } from './hub.js';
import type { ConnectionGuard } from './server/connection-guard.js';
import type { WireSocket } from './server/socket-server.js';
import type { Counters } from './stats.js';
import { after, backoff } from './timing.js';
import { TokenClock } from './tokens/token-clock.js';

export interface SocketContext {
  node: string;
  hub: Hub;
  feeds: Pick<FeedReader, 'sameEpoch'>;
  /** Reads where sockets start. */
  openings: FeedBatcher;
  unsentBytes: number;
  counters: Counters;
  log: Logger;
  /** The slot to hand out to a socket that comes while the node drains. */
  slotIfDraining(): number | undefined;
}

/** One client that passed its handshake, from join to leave. */
export class ConnectedSocket implements Outlet, CommandSocket {
  principal: Principal;
  readonly feed: FeedSocket;
  readonly user: UserFeed;
  readonly running = new RunningCommands();
  readonly #socket: WireSocket;
  readonly #context: SocketContext;
  readonly #guard: ConnectionGuard;
  readonly #clock: TokenClock;
  readonly #leaveListeners: (() => void)[] = [];
  #left = false;
  /** Ends the wait of a socket that is starting: for its feed, or for the next try. */
  #stopWaiting: (() => void) | undefined;

  /** Joins at once: the feed is looked at only afterwards. */
  constructor(socket: WireSocket, guard: ConnectionGuard, principal: Principal, context: SocketContext) {
    this.#socket = socket;
    this.#guard = guard;
    this.#context = context;
    this.principal = principal;
    guard.meter.onDrain(() => this.#onDrain());
    this.#clock = new TokenClock({
      expiring: (inMs) => this.emit('session.expiring', { inMs }),
      expired: () => this.end('token-expired'),
    });
    this.feed = new FeedSocket(this, context.unsentBytes, context.feeds.sameEpoch);
    this.user = context.hub.join(principal.userId, this.feed);
    socket.once('disconnect', () => this.#leave());
  }

  /**
   * `session.ready`, then what was missed, then live.
   *
   * While the service's database is away, the client stays connected and its feed goes on later.
   */
  async start(requested: RequestedCursor): Promise<void> {
    let opening = await this.#tryOpening(requested);
    if (this.#left) return;
    this.#ready(opening);
    const late = opening === undefined;
    for (let attempt = 1; !opening; attempt++) {
      await this.#pause(backoff(attempt));
      if (!this.#left) opening = await this.#tryOpening(requested);
      if (this.#left) return;
    }
    // What was written meanwhile is above no cursor that this client knows of.
    this.#goOn(late && requested.kind === 'none' ? { ...opening, reset: 'unavailable' } : opening);
  }

  /** Whether the socket is gone. */
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

  renew(principal: Principal): void {
    this.principal = principal;
    this.#clock.restart(principal.expiresAt);
  }

  /** The client has pulled everything up to `head`: pushes reach it again from there on. */
  returnToLive(head: FeedPosition): void {
    // A head from before the last push would send that push twice.
    if (this.feed.mode === 'behind' && head.seq >= this.feed.sent) this.user.begin(this.feed, head, head);
  }

  /** A final end: the client is told why, and a plain one doesn't come back by itself. */
  end(code: KitErrorCode): void {
    const { temporary } = new AppError(code);
    this.emit('session.ended', { code, temporary });
    this.#socket.disconnect(true);
    this.#guard.close();
  }

  /** An end after which plain clients reconnect by themselves. */
  closeTransport(): void {
    this.#guard.close();
  }

  async #tryOpening(requested: RequestedCursor): Promise<Opening | undefined> {
    const { openings, log } = this.#context;
    const { userId } = this.principal;
    try {
      const { answer, cancel } = askOpening(openings, userId, requested);
      this.#stopWaiting = cancel;
      const found = await answer;
      return found && openingOf(found, requested);
    } catch (error) {
      log.debug({ err: error, userId }, 'feed could not be read; resuming later');
      return undefined;
    }
  }

  #ready(opening: Opening | undefined): void {
    const { userId, sessionId, expiresAt } = this.principal;
    const head = opening?.head.cursor ?? null;
    const resumedFrom = opening?.resumedFrom ?? null;
    this.emit('session.ready', { userId, sessionId, node: this.#context.node, head, resumedFrom });
    this.#clock.start(expiresAt);
    const slot = this.#context.slotIfDraining();
    if (slot !== undefined) this.emit('session.draining', { reconnectAfterMs: slot });
  }

  #goOn({ head, after: position, entries, reset, resumedFrom }: Opening): void {
    const { counters } = this.#context;
    if (reset) {
      counters.resets[reset]++;
      this.feed.reset(head, reset);
    }
    if (resumedFrom !== null) counters.resumes++;
    this.user.begin(this.feed, position, head, entries);
  }

  /** Ends early when the socket leaves. */
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
    this.#clock.stop();
    this.#stopWaiting?.();
    this.#context.hub.leave(this.user.userId, this.feed);
    for (const listener of this.#leaveListeners.splice(0)) listener();
    // One namespace a connection: nothing else is left to serve on it.
    this.closeTransport();
  }
}
