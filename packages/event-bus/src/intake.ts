import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { backOffDelay, within } from '@warren/amqp-link';
import type { Logger } from 'pino';
import type { Delivery, Subscription, Verdict } from './port.js';

/** Between two probes of a service that can't work, in milliseconds. */
const probeBackOff = { firstMs: 200, maxMs: 10_000 };
const probeTimeoutMs = 30_000;

export interface Held {
  delivery: Delivery;
  /** The bus has taken it back, for instance because its channel was lost: it comes again by another way. */
  gone: boolean;
  /** What shall become of it, where the bus knows without asking the handler. */
  readonly decided?: Verdict;
}

export interface IntakeOptions<H extends Held> {
  subscription: Pick<Subscription, 'handle' | 'probe'>;
  batchSize: number;
  /** Carries the verdicts out. Resolves when the next batch may be handled; never rejects. */
  settle(batch: readonly H[], verdicts: readonly Verdict[]): Promise<void>;
  /** The service can work again after a pause. */
  onResumed?(): void;
  log: Logger | undefined;
}

/**
 * Between a bus and a handler: gathers what arrives into batches, calls the handler one batch at a time, and holds
 * still while the service's infrastructure is away. What it holds is bounded by whoever pushes.
 */
export class Intake<H extends Held> {
  readonly #options: IntakeOptions<H>;
  readonly #waiting: H[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #paused = false;

  constructor(options: IntakeOptions<H>) {
    this.#options = options;
  }

  /** True while the service can't work and `probe` is asked. */
  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.#stop.signal.aborted;
  }

  push(held: H): void {
    if (this.closed) return;
    this.#waiting.push(held);
    this.#running ??= this.#run();
  }

  /** Hands out nothing more and waits for the batch in hand; rejects if that takes longer than `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#stop.abort();
    this.#waiting.length = 0;
    if (this.#running) await within(withinMs, this.#running, 'a batch was still being handled');
  }

  /** Waits; closing cuts it short. */
  async sleep(ms: number): Promise<void> {
    try {
      await pause(ms, undefined, { signal: this.#stop.signal });
    } catch {
      // Closing wakes whoever waits.
    }
  }

  async #run(): Promise<void> {
    // Deliveries come one by one: a turn of the event loop lets those that arrived together become one batch.
    await nextTurn();
    while (this.#waiting.length > 0 && !this.closed) {
      const batch = this.#waiting.splice(0, this.#options.batchSize).filter((held) => !held.gone);
      if (batch.length > 0) await this.#work(batch);
    }
    this.#running = undefined;
  }

  async #work(taken: readonly H[]): Promise<void> {
    let batch = taken;
    while (batch.length > 0) {
      const verdicts = await this.#handle(batch);
      if (verdicts) return this.#options.settle(batch, verdicts);
      await this.#pause();
      if (this.closed) return;
      batch = batch.filter((held) => !held.gone);
    }
  }

  /** Undefined where the infrastructure failed: nothing was decided about any delivery. */
  async #handle(batch: readonly H[]): Promise<readonly Verdict[] | undefined> {
    const open = batch.filter((held) => !held.decided).map((held) => held.delivery);
    try {
      const verdicts = open.length > 0 ? await this.#options.subscription.handle(open) : [];
      if (verdicts.length === open.length && verdicts.every(Boolean)) return inOrder(batch, verdicts);
      this.#options.log?.error(
        { deliveries: open.length, verdicts: verdicts.length },
        'handler gave a wrong number of verdicts; pausing',
      );
    } catch (error) {
      this.#options.log?.error({ err: error }, 'handling failed for want of infrastructure; pausing');
    }
    return undefined;
  }

  async #pause(): Promise<void> {
    this.#paused = true;
    for (let attempt = 0; !this.closed; attempt += 1) {
      await this.sleep(backOffDelay(attempt, probeBackOff));
      if (this.closed || (await this.#probe())) break;
    }
    this.#paused = false;
    if (!this.closed) this.#options.onResumed?.();
  }

  async #probe(): Promise<boolean> {
    try {
      await within(probeTimeoutMs, this.#options.subscription.probe(), 'the probe gave no answer');
      this.#options.log?.info('infrastructure is back; taking again');
      return true;
    } catch (error) {
      this.#options.log?.warn({ err: error }, 'infrastructure is still away');
      return false;
    }
  }
}

/** One verdict for each held delivery: its own where it was decided, else the next of the handler's. */
function inOrder(batch: readonly Held[], verdicts: readonly Verdict[]): Verdict[] {
  const given = verdicts.values();
  return batch.map((held) => held.decided ?? (given.next().value as Verdict));
}
