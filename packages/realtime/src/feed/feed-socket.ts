import type { FeedEntry, FeedPosition, FeedReader } from '@warren/unit-of-work';
import type { ResetReason } from '../api.js';
import { after } from '../timing.js';

/** Where a socket's events go, and how much of them hasn't left yet. */
export interface Outlet {
  emit(event: string, ...args: unknown[]): void;
  /** Bytes that the kernel hasn't taken yet. */
  unsentBytes(): number;
}

/**
 * - `opening`: joined, but where it starts isn't known yet. Pushes only tell that there is more.
 * - `reading`: something before the next push is missing; the feed is read until nothing is.
 * - `live`: complete; the next push goes straight through.
 * - `behind`: it read too slowly. Nothing is pushed until its own pull reaches the head.
 */
export type Mode = 'opening' | 'reading' | 'live' | 'behind';

export type PushOutcome = 'sent' | 'duplicate' | 'gap' | 'lagging' | 'not-live';

/** Milliseconds to get below the budget again. A burst within one tick passes it on any line. */
const lagGrace = 1_000;
/** Looks at the line in that time. While the node stands still it sends nothing, and that costs one look only. */
const lagLooks = 4;

/** What one socket was sent of one user's feed: each `seq` is exactly one above the last. */
export class FeedSocket {
  mode: Mode = 'opening';
  /** The last `seq` that this socket was sent, or starts after. */
  sent = 0;
  /** The cursor of `sent`; undefined until it is known where this socket starts. */
  cursor: string | undefined;
  /** The feed may be of another epoch: not live again before a read has looked. */
  doubted = false;
  readonly #outlet: Outlet;
  readonly #budget: number;
  readonly #sameEpoch: FeedReader['sameEpoch'];
  #cancelWatch: (() => void) | undefined;

  constructor(outlet: Outlet, unsentBudget: number, sameEpoch: FeedReader['sameEpoch']) {
    this.#outlet = outlet;
    this.#budget = unsentBudget;
    this.#sameEpoch = sameEpoch;
  }

  /** A push has come. Only a live socket takes it, and only if it is the very next one. */
  push(entry: FeedEntry): PushOutcome {
    if (this.mode !== 'live') return 'not-live';
    if (this.isElsewhere(entry)) {
      this.doubt();
      return 'gap';
    }
    if (entry.seq <= this.sent) return 'duplicate';
    if (entry.seq > this.sent + 1) {
      this.mode = 'reading';
      return 'gap';
    }
    if (this.#overBudget()) {
      this.mode = 'reading';
      return 'lagging';
    }
    this.#deliver(entry);
    return 'sent';
  }

  /**
   * Takes the next one while catching up. Refuses, with false, what isn't next or what the client's line has
   * no room for: it is read again once the buffer has drained.
   */
  take(entry: FeedEntry): boolean {
    if (entry.seq !== this.sent + 1 || this.isElsewhere(entry) || this.#overBudget()) return false;
    this.#deliver(entry);
    return true;
  }

  /** Everything this socket was sent before has left: it may be given the next page. */
  get drained(): boolean {
    return this.#outlet.unsentBytes() === 0;
  }

  startAfter({ seq, cursor }: FeedPosition): void {
    this.sent = seq;
    this.cursor = cursor;
    this.mode = 'reading';
    this.doubted = false;
  }

  doubt(): void {
    if (this.mode !== 'live' && this.mode !== 'reading') return;
    this.mode = 'reading';
    this.doubted = true;
  }

  /** Of another epoch than what this socket was sent: the numbers of the two say nothing about each other. */
  isElsewhere({ cursor }: Pick<FeedPosition, 'cursor'>): boolean {
    return this.cursor !== undefined && !this.#sameEpoch(this.cursor, cursor);
  }

  /** The client can't go on from where it is; it goes on from the head. */
  reset(head: FeedPosition, reason: ResetReason): void {
    this.#outlet.emit('feed.reset', { head: head.cursor, reason });
    this.startAfter(head);
  }

  /** Calls `tooSlow` once the client's line had no room at `lagLooks` looks in a row. */
  watchLag(tooSlow: () => void): void {
    this.#watch(tooSlow, lagLooks);
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

  #watch(tooSlow: () => void, looks: number): void {
    this.stopWatching();
    this.#cancelWatch = after(lagGrace / lagLooks, () => {
      const left = this.#overBudget() ? looks - 1 : lagLooks;
      if (left === 0) tooSlow();
      else this.#watch(tooSlow, left);
    });
  }

  #overBudget(): boolean {
    return this.#outlet.unsentBytes() > this.#budget;
  }

  #deliver({ type, data, seq, cursor, id, time }: FeedEntry): void {
    this.#outlet.emit(type, data, { seq, cursor, id, time });
    this.sent = seq;
    this.cursor = cursor;
  }
}
