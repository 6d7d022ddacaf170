import { PublishError } from './port.js';
import { requireWhole } from './validation.js';

interface Waiter {
  resolve(): void;
  reject(error: PublishError): void;
}

/** Limits how many events are in flight. Further callers wait in a queue, for a limited time. */
export class Semaphore {
  readonly #size: number;
  readonly #waiters: Waiter[] = [];
  #acquired = 0;

  constructor(size: number) {
    requireWhole('maxInFlight', size, 1);
    this.#size = size;
  }

  get acquired(): number {
    return this.#acquired;
  }

  /** Rejects with `PublishError` `timeout` if nothing is released within `withinMs` milliseconds. */
  acquire(withinMs: number): Promise<void> {
    if (this.#acquired < this.#size) {
      this.#acquired += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve() {
          clearTimeout(timer);
          resolve();
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new PublishError('timeout', `more than ${this.#size} events in flight for ${withinMs} ms`));
      }, withinMs);
      this.#waiters.push(waiter);
    });
  }

  /** Lets the next waiter go on. */
  release(): void {
    const next = this.#waiters.shift();
    if (next) next.resolve();
    else this.#acquired -= 1;
  }

  rejectWaiters(error: PublishError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
