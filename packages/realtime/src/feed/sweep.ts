import { after, withDeadline } from '@warren/timing';
import type { FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import { feedTimeoutMs } from '../limits/limits.js';
import type { UserFeed } from './user-feed.js';

/** The users whose heads one query reads. */
const batchSize = 1000;

/** A round is divided into this many steps. Each user belongs to one, so is checked exactly once a round. */
export const sweepSlots = 15;

export interface SweepOptions {
  feeds: FeedReader;
  /** The users who are connected now. */
  users(): Iterable<UserFeed>;
  /** Milliseconds in which every user is checked once. */
  roundMs: number;
  log: Logger;
}

/**
 * Finds entries whose push was lost and not followed by another one, which leaves no gap that would show it. It compares
 * the heads of all connected users in the database with those known here, spread evenly over each round.
 */
export class HeadSweep {
  readonly #options: SweepOptions;
  /** Users whose heads could not be read in the last step. */
  #unread: UserFeed[] = [];
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
      this.#current = this.#checkSlot(slot).then(() => {
        if (!this.#closed) this.#schedule((slot + 1) % sweepSlots, due - Date.now());
      });
    });
  }

  async #checkSlot(slot: number): Promise<void> {
    const users = this.#unread;
    this.#unread = [];
    for (const user of this.#options.users()) if (user.slot === slot) users.push(user);
    for (let from = 0; from < users.length; from += batchSize) {
      try {
        await this.#checkBatch(users.slice(from, from + batchSize));
      } catch (error) {
        this.#unread = users.slice(from);
        this.#options.log.warn({ err: error }, 'could not read the heads of feeds; trying again');
        return;
      }
    }
  }

  async #checkBatch(users: readonly UserFeed[]): Promise<void> {
    const connected = users.filter((user) => user.sockets.size > 0);
    if (connected.length === 0) return;
    const sentBefore = connected.map((user) => user.highestSent);
    const heads = this.#options.feeds.heads(connected.map((user) => user.userId));
    const found = await withDeadline(heads, feedTimeoutMs, 'reading heads took too long');
    connected.forEach((user, i) => {
      const head = found.get(user.userId);
      if (head) user.checkHead(head, sentBefore[i] ?? 0);
    });
  }
}
