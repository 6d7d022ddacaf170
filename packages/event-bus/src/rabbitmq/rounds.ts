import { setTimeout as pause } from 'node:timers/promises';
import { within } from '@warren/amqp-link';

const goodbyeMs = 3_000;

/** Does `work` again and again, until it is closed; `work` answers how many milliseconds later. Never two at a time. */
export class Rounds {
  readonly #work: () => Promise<number>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  /** `work` must not reject. */
  constructor(work: () => Promise<number>) {
    this.#work = work;
  }

  /** The first one comes `ms` from now, give or take a quarter, so that instances don't stay in step. */
  start(ms: number): void {
    this.#running ??= this.#run(ms);
  }

  /** Waits for the one under way, but not for a broker that doesn't answer. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#running) await within(goodbyeMs, this.#running, 'a round was under way').catch(() => undefined);
  }

  async #run(firstMs: number): Promise<void> {
    for (let ms = firstMs; !this.#stop.signal.aborted; ms = await this.#work()) {
      try {
        await pause(ms * (0.75 + Math.random() / 2), undefined, { signal: this.#stop.signal });
      } catch {
        return;
      }
    }
  }
}
