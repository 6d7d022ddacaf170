import { requireWhole } from './limits.js';
import { PublishError } from './port.js';

interface Waiter {
  go(): void;
  refuse(error: PublishError): void;
}

/** A bounded number of places; who finds none waits in line, but not for ever. */
export class Places {
  readonly #size: number;
  readonly #line: Waiter[] = [];
  #taken = 0;

  constructor(size: number) {
    requireWhole('maxInFlight', size, 1);
    this.#size = size;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Resolves once a place is taken; rejects with `PublishError` after `withinMs` milliseconds in line. */
  take(withinMs: number): Promise<void> {
    if (this.#taken < this.#size) {
      this.#taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        go() {
          clearTimeout(timer);
          resolve();
        },
        refuse(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(waiter), 1);
        reject(
          new PublishError('timeout', `no place among ${this.#size} events in flight within ${withinMs} ms`),
        );
      }, withinMs);
      this.#line.push(waiter);
    });
  }

  /** Hands the place to the next in line. */
  give(): void {
    const next = this.#line.shift();
    if (next) next.go();
    else this.#taken -= 1;
  }

  /** Sends away everyone in line. */
  dismiss(error: PublishError): void {
    for (const waiter of this.#line.splice(0)) waiter.refuse(error);
  }
}
