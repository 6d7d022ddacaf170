import type { FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import { feedTimeout } from '../limits/defaults.js';
import { after, withDeadline } from '../timing.js';
import type { UserFeed } from './user-feed.js';

/** Users whose heads one query asks for. */
const batchSize = 1000;

/** A round is spread over so many steps; a user keeps one of them, so is looked at exactly once a round. */
export const sweepSlots = 15;

export interface SweepOptions {
  feeds: FeedReader;
  /** All connected users, as of now. */
  users(): Iterable<UserFeed>;
  /** Milliseconds in which every user is looked at once. */
  roundMs: number;
  log: Logger;
}

/**
 * The bound on silence: a lost push with nothing after it leaves no gap, so the heads of all connected users are
 * compared with what is known here, spread evenly over each round.
 */
export class HeadSweep {
  readonly #options: SweepOptions;
  #missed: UserFeed[] = [];
  #cancel: (() => void) | undefined;
  #current: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(0, this.#options.roundMs / sweepSlots);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#current;
  }

  #schedule(slot: number, delay: number): void {
    this.#cancel = after(delay, () => {
      const due = Date.now() + this.#options.roundMs / sweepSlots;
      this.#current = this.#compareSlot(slot).then(() => {
        if (!this.#closed) this.#schedule((slot + 1) % sweepSlots, due - Date.now());
      });
    });
  }

  async #compareSlot(slot: number): Promise<void> {
    const users = this.#missed;
    this.#missed = [];
    for (const user of this.#options.users()) if (user.slot === slot) users.push(user);
    for (let from = 0; from < users.length; from += batchSize) {
      try {
        await this.#compareBatch(users.slice(from, from + batchSize));
      } catch (error) {
        this.#missed = users.slice(from);
        this.#options.log.warn({ err: error }, 'heads could not be read; trying again');
        return;
      }
    }
  }

  async #compareBatch(users: readonly UserFeed[]): Promise<void> {
    const connected = users.filter((user) => user.sockets.size > 0);
    if (connected.length === 0) return;
    const sentBefore = connected.map((user) => user.highestSent);
    const heads = this.#options.feeds.heads(connected.map((user) => user.userId));
    const found = await withDeadline(heads, feedTimeout, 'reading heads');
    connected.forEach((user, i) => {
      const head = found.get(user.userId);
      if (head) user.noteHead(head, sentBefore[i] ?? 0);
    });
  }
}
