import { AppError } from '@warren/contracts';
import { after } from '@warren/timing';
import { concurrentPulls, maxWaitingPulls, pullQueueTimeoutMs, pullSpeedFactor } from '../limits/limits.js';
import { type Rate, TokenBuckets } from '../limits/token-buckets.js';

/** The result of a pull and its cost: entries, or KiB if that is more. */
export interface Pulled<T> {
  value: T;
  cost: number;
}

interface WaitingPull {
  userId: string;
  /** When it is refused, by `performance.now()`. */
  until: number;
  start(): void;
  refuse(error: AppError): void;
}

/**
 * Runs one pull of each user at a time, over all their sockets, and `concurrentPulls` of all users. Users take turns.
 * After each pull its user pauses, so that the event loop serves others in between.
 *
 * Each user has a budget. A pull is charged to it afterwards, when its cost is known. A user in debt is refused until the
 * debt is paid off.
 */
export class PullQueue {
  readonly #budgets: TokenBuckets;
  readonly #maxPerSecond: number;
  /** The next pulls of each user who has a pull that waits in `#ready`, runs, or is followed by a pause. */
  readonly #blocked = new Map<string, WaitingPull[]>();
  /** At most one pull of each user. */
  readonly #ready: WaitingPull[] = [];
  #running = 0;

  constructor({ perSecond, burst }: Rate) {
    this.#budgets = new TokenBuckets({ perSecond, burst });
    this.#maxPerSecond = pullSpeedFactor * perSecond;
  }

  /**
   * Rejects with `AppError`: `rate-limited` if the user is in debt, with the milliseconds until it is paid off, or if too
   * many of their pulls wait; `service-unavailable` if the pull gets no turn within `pullQueueTimeoutMs`.
   */
  async run<T>(userId: string, pull: () => Promise<Pulled<T>>): Promise<T> {
    this.#refuseDebtor(userId);
    await this.#turn(userId);
    let pauseMs = 0;
    try {
      this.#refuseDebtor(userId);
      const { value, cost } = await pull();
      this.#budgets.charge(userId, cost);
      pauseMs = (cost / this.#maxPerSecond) * 1_000;
      return value;
    } finally {
      this.#finish(userId, pauseMs);
    }
  }

  #refuseDebtor(userId: string): void {
    const retryAfterMs = this.#budgets.debtMs(userId);
    if (retryAfterMs > 0) throw new AppError('rate-limited', { detail: 'Too much was pulled', retryAfterMs });
  }

  /** Resolves when the pull may run; `#finish` must follow. */
  #turn(userId: string): Promise<void> {
    const blocked = this.#blocked.get(userId);
    if (blocked && blocked.length >= maxWaitingPulls) throw new AppError('rate-limited');
    return new Promise((resolve, reject) => {
      const until = performance.now() + pullQueueTimeoutMs;
      const waiting: WaitingPull = { userId, until, start: resolve, refuse: reject };
      if (blocked) {
        blocked.push(waiting);
        return;
      }
      this.#blocked.set(userId, []);
      this.#ready.push(waiting);
      this.#startNext();
    });
  }

  #startNext(): void {
    while (this.#running < concurrentPulls) {
      const next = this.#ready.shift();
      if (!next) return;
      this.#running += 1;
      if (next.until > performance.now()) {
        next.start();
      } else {
        next.refuse(new AppError('service-unavailable'));
        this.#finish(next.userId, 0);
      }
    }
  }

  #finish(userId: string, pauseMs: number): void {
    this.#running -= 1;
    this.#startNext();
    after(pauseMs, () => {
      const next = this.#blocked.get(userId)?.shift();
      if (next) this.#ready.push(next);
      else this.#blocked.delete(userId);
      this.#startNext();
    });
  }
}
