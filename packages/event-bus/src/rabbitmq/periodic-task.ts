import { setTimeout as pause } from 'node:timers/promises';
import { jittered, withDeadline } from '@warren/timing';

const closeTimeoutMs = 3_000;

/** Runs a task again and again until it is closed, never twice at a time. */
export class PeriodicTask {
  readonly #task: () => Promise<number>;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  /** `task` resolves to the milliseconds until its next run, and must not reject. */
  constructor(task: () => Promise<number>) {
    this.#task = task;
  }

  /** The first run is in `ms` milliseconds. All waits vary by a quarter, so that instances don't run in step. */
  start(ms: number): void {
    this.#running ??= this.#run(ms);
  }

  /** Waits for a run in progress, but at most 3 s, since the broker may not answer. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (!this.#running) return;
    await withDeadline(this.#running, closeTimeoutMs, 'the task was still running').catch(() => undefined);
  }

  async #run(firstMs: number): Promise<void> {
    for (let ms = firstMs; !this.#stop.signal.aborted; ms = await this.#task()) {
      try {
        await pause(jittered(ms), undefined, { signal: this.#stop.signal });
      } catch {
        return;
      }
    }
  }
}
