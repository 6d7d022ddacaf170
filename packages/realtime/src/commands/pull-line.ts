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
 * Lets each person have one pull at a time, over all their sockets, and few at once be read for all of them together, in
 * turns; between two of a person, others have the event loop. Each has a budget, from which a pull is paid once it is known what it cost: whoever owes waits until that is
 * paid off.
 */
export class PullLine {
  readonly #budgets: TokenBuckets;
  readonly #inARowPerSecond: number;
  /** Of everybody who pulls: what waits behind their first one. */
  readonly #behind = new Map<string, Waiting[]>();
  /** The first one of each person who waits for others. */
  readonly #first: Waiting[] = [];
  #running = 0;

  constructor({ perSecond, burst }: Rate) {
    this.#budgets = new TokenBuckets(perSecond, burst);
    this.#inARowPerSecond = pulledInARow * perSecond;
  }

  /**
   * Rejects with `AppError`: `rate-limited` for who owes, with the milliseconds after which they don't, and for who has
   * too many waiting already; `service-unavailable` where the turn doesn't come in time.
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
