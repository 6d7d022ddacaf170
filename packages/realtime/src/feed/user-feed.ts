import type { FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import type { Counters } from '../stats.js';
import { after, backoff } from '../timing.js';
import type { FeedBatcher } from './feed-batcher.js';
import type { FeedSocket } from './feed-socket.js';
import { HeldEntries } from './held-entries.js';
import { applyPage, type Page } from './page.js';

export interface FeedContext {
  /** Reads what sockets miss. */
  pages: FeedBatcher;
  counters: Counters;
  log: Logger;
}

/** Two transactions of one process may report in the wrong order; the missing one mostly comes by itself. */
const gapGrace = 10;

/**
 * One connected user: all their sockets on this node, and the one reader that serves them.
 *
 * `head` is the highest position that anyone told of: a push, a sweep, a read. A socket is live once it was sent
 * everything up to there. A socket joins before its position is looked up, so that whatever is written in
 * between raises `head`.
 */
export class UserFeed {
  readonly userId: string;
  /** The step of each sweep round in which this user is looked at. */
  readonly slot: number;
  readonly sockets = new Set<FeedSocket>();
  #head: FeedPosition = { seq: 0, cursor: '' };
  readonly #held = new HeldEntries();
  readonly #context: FeedContext;
  #reading = false;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelRead: (() => void) | undefined;

  constructor(userId: string, slot: number, context: FeedContext) {
    this.userId = userId;
    this.slot = slot;
    this.#context = context;
  }

  /** The highest `seq` that any socket was sent; a lower head means that the feed itself went back. */
  get highestSent(): number {
    let highest = 0;
    for (const socket of this.sockets) highest = Math.max(highest, socket.sent);
    return highest;
  }

  push(entry: FeedEntry): void {
    const { counters } = this.#context;
    this.#raise(entry);
    let gap = false;
    let waiting = false;
    for (const socket of this.sockets) {
      const outcome = socket.push(entry);
      if (outcome === 'sent') counters.entriesSent++;
      if (outcome === 'lagging') socket.watchLag(() => this.#fallBehind(socket));
      if (outcome === 'gap') counters.gaps++;
      gap ||= outcome === 'gap';
      waiting ||= socket.mode === 'reading';
    }
    if (!waiting) return;
    this.#held.add(entry);
    this.#settleAll();
    if (gap) this.#schedule(gapGrace);
  }

  /** A head as the database had it, when `sentBefore` was the highest that any socket was sent. */
  noteHead(head: FeedPosition, sentBefore: number): void {
    if (head.seq > this.#head.seq) this.#context.counters.sweepRepairs++;
    this.#raise(head);
    for (const socket of this.sockets) {
      if (head.seq < sentBefore || socket.isElsewhere(head)) socket.doubt();
      if (socket.mode === 'live' && socket.sent < this.#head.seq) socket.mode = 'reading';
    }
    this.wake();
  }

  /**
   * The socket starts, or starts again, after `position`: it gets what it misses, then goes live. `entries` are the first
   * ones above `position`, as far as they were read together with the head.
   */
  begin(
    socket: FeedSocket,
    position: FeedPosition,
    head: FeedPosition,
    entries: readonly FeedEntry[] = [],
  ): void {
    socket.startAfter(position);
    this.#raise(head);
    for (const entry of entries) {
      if (!socket.take(entry)) break;
      this.#context.counters.entriesSent++;
    }
    this.wake();
  }

  /** Reads on if anyone needs it and can take more. After a failed read its delay is kept. */
  wake(): void {
    this.#settleAll();
    this.#schedule(0);
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelRead?.();
    for (const socket of this.sockets) socket.stopWatching();
    this.sockets.clear();
  }

  #raise({ seq, cursor }: FeedPosition): void {
    if (seq > this.#head.seq) this.#head = { seq, cursor };
  }

  #fallBehind(socket: FeedSocket): void {
    this.#context.counters.drops++;
    socket.fallBehind(this.#head.cursor);
  }

  #schedule(delay: number): void {
    if (this.#reading || this.#cancelTimer || !this.#nextReader()) return;
    if (delay === 0) {
      this.#startReading();
      return;
    }
    this.#cancelTimer = after(delay, () => {
      this.#cancelTimer = undefined;
      this.#startReading();
    });
  }

  #startReading(): void {
    this.#reading = true;
    this.#readAll().then(
      () => {
        this.#reading = false;
        this.#failures = 0;
        // Someone may have begun to wait after the last look.
        this.#schedule(0);
      },
      (error: unknown) => {
        this.#reading = false;
        this.#failures++;
        this.#context.log.warn({ err: error, userId: this.userId }, 'feed could not be read; trying again');
        this.#schedule(backoff(this.#failures));
      },
    );
  }

  /**
   * One read at a time, of which every waiting socket takes what fits. They take turns, so that some far behind
   * don't keep the others waiting.
   */
  async #readAll(): Promise<void> {
    for (let reader = this.#nextReader(); reader; reader = this.#nextReader()) {
      reader.stopWatching();
      this.#toTheEnd(reader);
      const asked = { after: reader.sent, known: this.#head.seq, sentBefore: this.#positions() };
      const { answer, cancel } = this.#context.pages.ask({ userId: this.userId, from: asked.after });
      this.#cancelRead = cancel;
      const page = await answer;
      if (!page) return;
      this.#apply({ ...asked, entries: page.entries, head: page.place.head });
    }
    this.#held.prune(this.#head.seq);
  }

  #toTheEnd(socket: FeedSocket): void {
    this.sockets.delete(socket);
    this.sockets.add(socket);
  }

  #apply(page: Page): void {
    // A number that only a push told of, and that a later read doesn't have, never came to be.
    if (page.head.seq > this.#head.seq || page.known === this.#head.seq) this.#head = page.head;
    for (const socket of this.sockets) {
      if (socket.mode !== 'reading' || !page.sentBefore.has(socket)) continue;
      applyPage(socket, page, this.#context.counters);
      this.#settle(socket);
    }
  }

  #positions(): Map<FeedSocket, number> {
    const reading = [...this.sockets].filter((socket) => socket.mode === 'reading');
    return new Map(reading.map((socket) => [socket, socket.sent]));
  }

  #settleAll(): void {
    for (const socket of this.sockets) this.#settle(socket);
  }

  /** Gives a waiting socket the held pushes that are next, and lets it go live when nothing is missing. */
  #settle(socket: FeedSocket): void {
    if (socket.mode !== 'reading') return;
    for (let next = this.#held.get(socket.sent + 1); next; next = this.#held.get(socket.sent + 1)) {
      if (!socket.take(next)) break;
      this.#context.counters.entriesSent++;
    }
    if (socket.sent >= this.#head.seq && !socket.doubted) socket.goLive();
  }

  #nextReader(): FeedSocket | undefined {
    for (const socket of this.sockets) if (socket.mode === 'reading' && socket.drained) return socket;
    return undefined;
  }
}
