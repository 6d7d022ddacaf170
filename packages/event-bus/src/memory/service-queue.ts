import type { Logger } from 'pino';
import { type Held, Intake, intakeLimits, type Settlement } from '../intake.js';
import { nextStep } from '../next-step.js';
import type { DeadLetterReason, Subscription } from '../port.js';

export interface Entry extends Held {
  /** RFC 3339, UTC; set by the first failure. */
  firstFailedAt: string | undefined;
  /** How often in a row it was postponed since the last counted attempt. */
  postponed: number;
  committed(): void;
  dead(reason: DeadLetterReason, error: Error, entry: Entry): void;
}

/** One subscription of the service. */
interface Instance {
  intake: Intake<Entry>;
  prefetch: number;
  held: Set<Entry>;
}

/** The queue of one service, which its subscriptions share. Its size is limited by `maxInFlight` of the bus. */
export class ServiceQueue {
  readonly #retryDelays: readonly number[];
  readonly #log: Logger | undefined;
  readonly #types = new Set<string>();
  readonly #instances = new Set<Instance>();
  readonly #ready: Entry[] = [];
  readonly #delayed = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(retryDelays: readonly number[], log: Logger | undefined) {
    this.#retryDelays = retryDelays;
    this.#log = log;
  }

  wants(type: string): boolean {
    return this.#types.has(type);
  }

  /** Adds types. They stay bound while no subscription exists, and their events wait in the queue. */
  bind(types: Iterable<string>): void {
    for (const type of types) this.#types.add(type);
  }

  /** Returns a function that ends the subscription: it waits for the batch in progress and puts the rest back. */
  subscribe(subscription: Subscription): (withinMs: number) => Promise<void> {
    const limits = intakeLimits(subscription);
    const intake = new Intake<Entry>({
      subscription,
      limits,
      settle: async (batch, settlements) => {
        batch.forEach((entry, index) => {
          instance.held.delete(entry);
          this.#settle(entry, settlements[index]);
        });
        this.#handOut();
      },
      log: this.#log,
    });
    const instance: Instance = { intake, prefetch: limits.prefetch, held: new Set() };
    this.#instances.add(instance);
    this.#handOut();
    return (withinMs) => this.#leave(instance, withinMs);
  }

  add(entry: Entry): void {
    this.#ready.push(entry);
    this.#handOut();
  }

  /** Waits for running handlers; rejects if they take longer than `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#ready.length = 0;
    for (const timer of this.#delayed) clearTimeout(timer);
    await Promise.all([...this.#instances].map(({ intake }) => intake.close(withinMs)));
  }

  async #leave(instance: Instance, withinMs: number): Promise<void> {
    this.#instances.delete(instance);
    try {
      await instance.intake.close(withinMs);
    } finally {
      this.#ready.unshift(...instance.held);
      instance.held.clear();
      this.#handOut();
    }
  }

  /** Gives each entry to the subscription that holds the fewest. */
  #handOut(): void {
    while (this.#ready.length > 0 && !this.#closed) {
      const free = [...this.#instances].filter((instance) => instance.held.size < instance.prefetch);
      const [first, ...others] = free;
      if (!first) return;
      const instance = others.reduce(
        (least, other) => (other.held.size < least.held.size ? other : least),
        first,
      );
      const entry = this.#ready.shift();
      if (!entry) return;
      instance.held.add(entry);
      instance.intake.push(entry);
    }
  }

  #settle(entry: Entry, settlement: Settlement | undefined): void {
    if (!settlement) return;
    if (settlement.kind === 'done') {
      entry.committed();
      return;
    }
    const failed = { ...entry, firstFailedAt: entry.firstFailedAt ?? new Date().toISOString() };
    const { id, type, attempt } = entry.delivery;
    const about = { id, type, attempt, err: settlement.error };
    const step = nextStep(settlement, { attempt, postponed: entry.postponed }, this.#retryDelays);
    if (step.kind === 'again') {
      const { delay, postponed } = step;
      this.#log?.warn({ ...about, delay, postponed }, 'handling failed; the event is delivered again later');
      this.#addLater({ ...failed, postponed, delivery: { ...entry.delivery, attempt: step.attempt } }, delay);
      return;
    }
    this.#log?.error({ ...about, reason: step.reason }, 'the event becomes a dead letter');
    entry.dead(step.reason, settlement.error, failed);
  }

  #addLater(entry: Entry, delay: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.add(entry);
    }, delay);
    this.#delayed.add(timer);
  }
}
