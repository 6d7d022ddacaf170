import { after } from '@warren/timing';
import type { FeedEntry, FeedPosition, FeedReader } from '@warren/unit-of-work';
import type { ResetReason } from '../stats.js';

/** Sends a socket's events, and tells how much is still unsent. */
export interface Outlet {
  emit(event: string, ...args: unknown[]): void;
  /** Bytes that the kernel has not taken yet. */
  unsentBytes(): number;
}

/**
 * - `opening`: joined, but its position is not known yet. A push only tells that there is more to read.
 * - `reading`: entries are missing. The feed is read until none is.
 * - `live`: complete. The next push is sent at once.
 * - `behind`: it read too slowly. Nothing is pushed until its own pull reaches the head.
 */
export type Mode = 'opening' | 'reading' | 'live' | 'behind';

export type PushOutcome = 'sent' | 'duplicate' | 'gap' | 'lagging' | 'not-live';

/** Milliseconds that a socket may exceed its budget of unsent bytes. A burst exceeds it for a moment on any connection. */
const lagGraceMs = 1_000;
/** The checks in that time. A node whose event loop stands still sends nothing, and that fails one check only. */
const lagChecks = 4;

/** What one socket has been sent of its user's feed. Each `seq` is exactly one above the last. */
export class FeedSocket {
  mode: Mode = 'opening';
  /** The `seq` of the last entry sent, or of the position where the socket starts. */
  sent = 0;
  /** The cursor of `sent`; undefined until the position is known. */
  cursor: string | undefined;
  /** The feed may have another epoch now. The socket stays in `reading` until a read has told. */
  epochInDoubt = false;
  readonly #outlet: Outlet;
  readonly #budget: number;
  readonly #sameEpoch: FeedReader['sameEpoch'];
  #cancelWatch: (() => void) | undefined;

  /** `unsentBudget`: the unsent bytes above which the socket gets no more entries. */
  constructor(outlet: Outlet, unsentBudget: number, sameEpoch: FeedReader['sameEpoch']) {
    this.#outlet = outlet;
    this.#budget = unsentBudget;
    this.#sameEpoch = sameEpoch;
  }

  /** Sends a pushed entry if the socket is live and this is the very next one. */
  push(entry: FeedEntry): PushOutcome {
    if (this.mode !== 'live') return 'not-live';
    if (this.isOtherEpoch(entry)) {
      this.doubtEpoch();
      return 'gap';
    }
    if (entry.seq <= this.sent) return 'duplicate';
    if (entry.seq > this.sent + 1) {
      this.mode = 'reading';
      return 'gap';
    }
    if (this.#isOverBudget()) {
      this.mode = 'reading';
      return 'lagging';
    }
    this.#deliver(entry);
    return 'sent';
  }

  /**
   * Sends an entry that was read. Returns false, and sends nothing, if it isn't the next one or if too much is unsent: then
   * it is read again once everything has been sent.
   */
  send(entry: FeedEntry): boolean {
    if (entry.seq !== this.sent + 1 || this.isOtherEpoch(entry) || this.#isOverBudget()) return false;
    this.#deliver(entry);
    return true;
  }

  /** Whether everything has been sent, so that the next page may be read. */
  get drained(): boolean {
    return this.#outlet.unsentBytes() === 0;
  }

  startAfter({ seq, cursor }: FeedPosition): void {
    this.sent = seq;
    this.cursor = cursor;
    this.mode = 'reading';
    this.epochInDoubt = false;
  }

  doubtEpoch(): void {
    if (this.mode !== 'live' && this.mode !== 'reading') return;
    this.mode = 'reading';
    this.epochInDoubt = true;
  }

  /** Whether this position is of another epoch than what the socket was sent. Their numbers can't be compared. */
  isOtherEpoch({ cursor }: Pick<FeedPosition, 'cursor'>): boolean {
    return this.cursor !== undefined && !this.#sameEpoch(this.cursor, cursor);
  }

  /** Tells the client that it can't go on from its position, and goes on from the head. */
  reset(head: FeedPosition, reason: ResetReason): void {
    this.#outlet.emit('feed.reset', { head: head.cursor, reason });
    this.startAfter(head);
  }

  /** Calls `onTooSlow` once the socket was over its budget at `lagChecks` checks in a row. */
  watchLag(onTooSlow: () => void): void {
    this.#watch(onTooSlow, lagChecks);
  }

  stopWatching(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  goLive(): void {
    this.stopWatching();
    this.mode = 'live';
  }

  fallBehind(head: string): void {
    this.mode = 'behind';
    this.#outlet.emit('feed.behind', { head });
  }

  #watch(onTooSlow: () => void, checks: number): void {
    this.stopWatching();
    this.#cancelWatch = after(lagGraceMs / lagChecks, () => {
      const left = this.#isOverBudget() ? checks - 1 : lagChecks;
      if (left === 0) onTooSlow();
      else this.#watch(onTooSlow, left);
    });
  }

  #isOverBudget(): boolean {
    return this.#outlet.unsentBytes() > this.#budget;
  }

  #deliver({ type, data, seq, cursor, id, time }: FeedEntry): void {
    this.#outlet.emit(type, data, { seq, cursor, id, time });
    this.sent = seq;
    this.cursor = cursor;
  }
}
