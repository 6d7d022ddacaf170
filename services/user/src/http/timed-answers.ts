import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import type { Background } from '@warren/service-kit';
import type { UserContext } from '../context.js';

/** The most pieces of work that run at the same time. */
const mostRunning = 100;

/**
 * Answers at a fixed time, so that the time of an answer says nothing about the work behind it. The work may continue
 * after the answer. Its amount is bounded, and `stop` waits for it.
 */
export class TimedAnswers implements Background {
  readonly name = 'timed answers';
  readonly #log: UserContext['log'];
  readonly #running = new Set<Promise<void>>();
  #stopping = false;

  constructor(log: UserContext['log']) {
    this.#log = log;
  }

  /**
   * Starts `work` and resolves after `ms` milliseconds. If `work` has failed by then, it rejects with its error.
   *
   * @throws AppError `service-overloaded` if too much work is running
   */
  async after(ms: number, work: () => Promise<void>): Promise<void> {
    if (this.#running.size >= mostRunning) throw new AppError('service-overloaded');
    let answered = false;
    let failure: { error: unknown } | undefined;
    const running = work()
      .catch((error: unknown) => {
        failure = { error };
        if (answered) this.#log.warn({ err: error }, 'work failed after its request had been answered');
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    await pause(ms);
    if (this.#stopping) await running;
    answered = true;
    if (failure) throw failure.error;
  }

  start(): void {}

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }
}
