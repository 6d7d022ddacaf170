import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import type { Background } from '@warren/service-kit';
import type { Log } from '../context.js';

/** Works at once. */
const most = 100;

/**
 * Answers at a time that says nothing of the work behind it: also where the work takes longer, as it may for an account
 * and under load. What goes on after its answer is bounded, and is finished before this stops.
 */
export class TimedAnswers implements Background {
  readonly name = 'timed answers';
  readonly #log: Log;
  readonly #running = new Set<Promise<void>>();
  #stopping = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Resolves `ms` after its call, or throws then what `work` had thrown by that time. Throws `service-overloaded` where
   * too much goes on already.
   */
  async after(ms: number, work: () => Promise<void>): Promise<void> {
    if (this.#running.size >= most) throw new AppError('service-overloaded');
    let answered = false;
    let failure: { error: unknown } | undefined;
    const running = work()
      .catch((error: unknown) => {
        failure = { error };
        if (answered) this.#log.warn({ err: error }, 'what was answered in time failed afterwards');
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
