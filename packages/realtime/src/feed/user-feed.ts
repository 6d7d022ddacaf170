import { after, backOffMs, jittered } from '@warren/timing';
import type { FeedEntry, FeedPosition } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import { readBackOff } from '../limits/limits.js';
import type { Counters } from '../stats.js';
import type { FeedBatcher } from './feed-batcher.js';
import type { FeedSocket } from './feed-socket.js';
import { HeldEntries } from './held-entries.js';
import { applyPage, type Page } from './page.js';

export interface FeedContext {
  /** Reads the entries that sockets miss. */
  pages: FeedBatcher;
  counters: Counters;
  log: Logger;
}

/**
 * Milliseconds to wait before a gap is read. Two transactions of one process may report in the wrong order, so the missing
 * push usually arrives by itself.
 */
const gapGraceMs = 10;

/**
 * One connected user: all their sockets on this node, and the one reader that serves them.
 *
 * `head` is the highest position known from a push, a sweep or a read. A socket is live once it was sent everything up to
 * there. A socket joins before its position is read, so an entry that is written in between raises `head`.
 */
export class UserFeed {
  readonly userId: string;
  /** The step of each sweep round in which this user is checked. */
  readonly slot: number;
  readonly sockets = new Set<FeedSocket>();
  /** Resolves once other nodes push this user's entries here. Only then may the feed be read. */
  readonly following: Promise<void>;
  #head: FeedPosition = { seq: 0, cursor: '' };
  readonly #held = new HeldEntries();
  readonly #context: FeedContext;
  #reading = false;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelRead: (() => void) | undefined;

  constructor(userId: string, slot: number, following: Promise<void>, context: FeedContext) {
    this.userId = userId;
    this.slot = slot;
    this.following = following;
    this.#context = context;
  }

  /** The highest `seq` that any socket was sent. A lower head in the database means that the feed was restored. */
  get highestSent(): number {
    let highest = 0;
    for (const socket of this.sockets) highest = Math.max(highest, socket.sent);
    return highest;
  }

  push(entry: FeedEntry): void {
    const { counters } = this.#context;
    this.#raiseHead(entry);
    let hasGap = false;
    let isReading = false;
    for (const socket of this.sockets) {
      const outcome = socket.push(entry);
      if (outcome === 'sent') counters.entriesSent++;
      if (outcome === 'lagging') socket.watchLag(() => this.#fallBehind(socket));
      if (outcome === 'gap') counters.gaps++;
      hasGap ||= outcome === 'gap';
      isReading ||= socket.mode === 'reading';
    }
    if (!isReading) return;
    this.#held.add(entry);
    this.#advanceAll();
    if (hasGap) this.#schedule(gapGraceMs);
  }

  /** Compares a head from the database. `sentBefore` is `highestSent` from before the head was read. */
  checkHead(head: FeedPosition, sentBefore: number): void {
    if (head.seq > this.#head.seq) this.#context.counters.sweepRepairs++;
    this.#raiseHead(head);
    for (const socket of this.sockets) {
      if (head.seq < sentBefore || socket.isOtherEpoch(head)) socket.doubtEpoch();
      if (socket.mode === 'live' && socket.sent < this.#head.seq) socket.mode = 'reading';
    }
    this.wake();
  }

  /**
   * Starts a socket, or starts it again, after `position`: it is sent what it misses and then goes live. `entries` are the
   * first ones after `position`, as far as they were read together with the head.
   */
  begin(
    socket: FeedSocket,
    position: FeedPosition,
    head: FeedPosition,
    entries: readonly FeedEntry[] = [],
  ): void {
    socket.startAfter(position);
    this.#raiseHead(head);
    for (const entry of entries) {
      if (!socket.send(entry)) break;
      this.#context.counters.entriesSent++;
    }
    this.wake();
  }

  /** Reads on if a socket needs it and has sent everything. After a failed read this keeps its delay. */
  wake(): void {
    this.#advanceAll();
    this.#schedule(0);
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelRead?.();
    for (const socket of this.sockets) socket.stopWatching();
    this.sockets.clear();
  }

  #raiseHead({ seq, cursor }: FeedPosition): void {
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
        // A socket may need a read since the last one was chosen.
        this.#schedule(0);
      },
      (error: unknown) => {
        this.#reading = false;
        this.#failures++;
        this.#context.log.warn({ err: error, userId: this.userId }, 'could not read a feed; trying again');
        this.#schedule(jittered(backOffMs(this.#failures, readBackOff)));
      },
    );
  }

  /**
   * Reads one page at a time, for the socket whose turn it is. Every reading socket is sent what fits it. Sockets take
   * turns, so that those far behind don't hold up the others.
   */
  async #readAll(): Promise<void> {
    for (let reader = this.#nextReader(); reader; reader = this.#nextReader()) {
      reader.stopWatching();
      this.#moveToEnd(reader);
      const asked = { after: reader.sent, known: this.#head.seq, sentBefore: this.#sentBySocket() };
      const { answer, cancel } = this.#context.pages.ask({ userId: this.userId, from: asked.after });
      this.#cancelRead = cancel;
      const page = await answer;
      if (!page) return;
      this.#apply({ ...asked, entries: page.entries, head: page.place.head });
    }
    this.#held.prune(this.#head.seq);
  }

  #moveToEnd(socket: FeedSocket): void {
    this.sockets.delete(socket);
    this.sockets.add(socket);
  }

  #apply(page: Page): void {
    // If nothing was pushed since the read began, the head that was read counts even if it is lower: then an entry that was
    // pushed was never committed, or the feed was restored.
    if (page.head.seq > this.#head.seq || page.known === this.#head.seq) this.#head = page.head;
    for (const socket of this.sockets) {
      if (socket.mode !== 'reading' || !page.sentBefore.has(socket)) continue;
      applyPage(socket, page, this.#context.counters);
      this.#advance(socket);
    }
  }

  /** What each reading socket has been sent. */
  #sentBySocket(): Map<FeedSocket, number> {
    const reading = [...this.sockets].filter((socket) => socket.mode === 'reading');
    return new Map(reading.map((socket) => [socket, socket.sent]));
  }

  #advanceAll(): void {
    for (const socket of this.sockets) this.#advance(socket);
  }

  /** Sends a reading socket the held pushes that come next, and makes it live if nothing is missing. */
  #advance(socket: FeedSocket): void {
    if (socket.mode !== 'reading') return;
    for (let next = this.#held.get(socket.sent + 1); next; next = this.#held.get(socket.sent + 1)) {
      if (!socket.send(next)) break;
      this.#context.counters.entriesSent++;
    }
    if (socket.sent >= this.#head.seq && !socket.epochInDoubt) socket.goLive();
  }

  /** The next socket that needs a read and has sent everything. */
  #nextReader(): FeedSocket | undefined {
    for (const socket of this.sockets) if (socket.mode === 'reading' && socket.drained) return socket;
    return undefined;
  }
}
