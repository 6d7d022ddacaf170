import { AppError } from '@warren/contracts';
import { pulledInARow, pullsAtOnce, pullsWaiting, pullWaitTimeout } from '../limits/defaults.js';
import { type Rate, TokenBuckets } from '../limits/token-buckets.js';
import { after } from '../timing.js';

/** What a pull came to: entries, or KiB if these are more. */
export interface Pulled<T> {
  value: T;
  cost: number;
}

interface Waiting {
  userId: string;
  /** By `performance.now()`. */
  until: number;
  begin(): void;
  refuse(error: AppError): void;
}

/**
 * Runs one pull at a time for each person, over all their sockets, and few at once for everybody; people take turns. After
 * each pull the person pauses, so that the event loop serves others in between.
 *
 * Each person has a budget. A pull is charged to it afterwards, when its cost is known. Somebody who is in debt is refused
 * until the debt is paid off.
 */
export class PullLine {
  readonly #budgets: TokenBuckets;
  readonly #inARowPerSecond: number;
  /** By user, for everybody who pulls: their pulls that wait until the one before has ended. */
  readonly #behind = new Map<string, Waiting[]>();
  /** At most one pull of each person, waiting for a place among those that run. */
  readonly #first: Waiting[] = [];
  #running = 0;

  constructor({ perSecond, burst }: Rate) {
    this.#budgets = new TokenBuckets(perSecond, burst);
    this.#inARowPerSecond = pulledInARow * perSecond;
  }

  /**
   * Rejects with `AppError`: `rate-limited` if the person is in debt, with the milliseconds until the debt is paid off, or
   * if too many of their pulls wait already; `service-unavailable` if the pull doesn't get its turn in time.
   */
  async run<T>(userId: string, pull: () => Promise<Pulled<T>>): Promise<T> {
    this.#refuseDebtor(userId);
    await this.#turn(userId);
    let pauseMs = 0;
    try {
      this.#refuseDebtor(userId);
      const { value, cost } = await pull();
      this.#budgets.charge(userId, cost);
      pauseMs = (cost / this.#inARowPerSecond) * 1_000;
      return value;
    } finally {
      this.#done(userId, pauseMs);
    }
  }

  #refuseDebtor(userId: string): void {
    const retryAfterMs = this.#budgets.debtMs(userId);
    if (retryAfterMs > 0) throw new AppError('rate-limited', { detail: 'Too much was pulled', retryAfterMs });
  }

  #turn(userId: string): Promise<void> {
    const behind = this.#behind.get(userId);
    if (behind && behind.length >= pullsWaiting) throw new AppError('rate-limited');
    return new Promise((resolve, reject) => {
      const until = performance.now() + pullWaitTimeout;
      const waiting: Waiting = { userId, until, begin: resolve, refuse: reject };
      if (behind) {
        behind.push(waiting);
        return;
      }
      this.#behind.set(userId, []);
      this.#first.push(waiting);
      this.#beginSome();
    });
  }

  #beginSome(): void {
    while (this.#running < pullsAtOnce) {
      const next = this.#first.shift();
      if (!next) return;
      this.#running += 1;
      if (next.until > performance.now()) {
        next.begin();
      } else {
        next.refuse(new AppError('service-unavailable'));
        this.#done(next.userId, 0);
      }
    }
  }

  #done(userId: string, pauseMs: number): void {
    this.#running -= 1;
    this.#beginSome();
    after(pauseMs, () => {
      const next = this.#behind.get(userId)?.shift();
      if (next) this.#first.push(next);
      else this.#behind.delete(userId);
      this.#beginSome();
    });
  }
}
