import { setTimeout as pause } from 'node:timers/promises';

/** The work was abandoned because the process stops. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Stops a background loop: ends its sleeps and abandons the work that it waits for. */
export class Stopping {
  readonly #controller = new AbortController();
  readonly #stopped: Promise<never>;

  constructor() {
    this.#stopped = new Promise((_, reject) => {
      this.#controller.signal.addEventListener('abort', () => reject(new Stopped('stopping')), {
        once: true,
      });
    });
    // Without this, a stop while nothing waits would be an unhandled rejection.
    this.#stopped.catch(() => undefined);
  }

  get now(): boolean {
    return this.#controller.signal.aborted;
  }

  begin(): void {
    this.#controller.abort();
  }

  /** Resolves after `ms`, when stopping begins, or when `wake` is aborted. */
  async sleep(ms: number, wake?: AbortSignal): Promise<void> {
    const signal = wake ? AbortSignal.any([this.#controller.signal, wake]) : this.#controller.signal;
    try {
      await pause(ms, undefined, { signal });
    } catch {
      // Aborted.
    }
  }

  /** Settles as `work` does, or rejects with `Stopped` when stopping begins. The result of the work is then ignored. */
  unless<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    return Promise.race([work, this.#stopped]);
  }
}
