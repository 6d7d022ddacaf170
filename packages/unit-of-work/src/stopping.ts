import { setTimeout as pause } from 'node:timers/promises';

/** The work was given up, since the process stops. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** The end of a loop: whatever it waits for, stopping cuts it short. */
export class Stopping {
  readonly #stop = new AbortController();
  readonly #stopped: Promise<never>;

  constructor() {
    this.#stopped = new Promise((_, reject) => {
      this.#stop.signal.addEventListener('abort', () => reject(new Stopped('stopping')), { once: true });
    });
    // It may come while nobody waits.
    this.#stopped.catch(() => undefined);
  }

  get now(): boolean {
    return this.#stop.signal.aborted;
  }

  begin(): void {
    this.#stop.abort();
  }

  /** `waking` ends it as well. */
  async sleep(ms: number, waking?: AbortSignal): Promise<void> {
    const signal = waking ? AbortSignal.any([this.#stop.signal, waking]) : this.#stop.signal;
    try {
      await pause(ms, undefined, { signal });
    } catch {
      // Stopping wakes it.
    }
  }

  /** `work`, or `Stopped`; what comes of the work then is of no interest any more. */
  unless<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([work, this.#stopped]);
  }
}
