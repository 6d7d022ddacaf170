import type { Logger } from 'pino';
import { type Held, Intake, type Settlement } from '../intake.js';
import { intakeLimits } from '../limits.js';
import { nextStep } from '../next-step.js';
import type { DeadLetterReason, Subscription } from '../port.js';

export interface Entry extends Held {
  /** RFC 3339, UTC; set with the first failure. */
  firstFailedAt: string | undefined;
  /** How often in a row it came again without a counted attempt. */
  postponed: number;
  committed(): void;
  dead(reason: DeadLetterReason, error: Error, entry: Entry): void;
}

interface Taker {
  intake: Intake<Entry>;
  prefetch: number;
  held: Set<Entry>;
}

/** What waits for one service, shared by its subscriptions. Bounded by the events that the bus has in flight. */
export class ServiceQueue {
  readonly #retryDelays: readonly number[];
  readonly #log: Logger | undefined;
  readonly #types = new Set<string>();
  readonly #takers = new Set<Taker>();
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

  /** For good: a queue keeps what comes for it also while nobody takes. */
  bind(types: Iterable<string>): void {
    for (const type of types) this.#types.add(type);
  }

  /** Answers how to leave: that waits for the batch in hand and puts what wasn't handled back. */
  subscribe(subscription: Subscription): (withinMs: number) => Promise<void> {
    const limits = intakeLimits(subscription);
    const intake = new Intake<Entry>({
      subscription,
      limits,
      settle: async (batch, settlements) => {
        batch.forEach((entry, index) => {
          taker.held.delete(entry);
          this.#settle(entry, settlements[index]);
        });
        this.#handOut();
      },
      log: this.#log,
    });
    const taker: Taker = { intake, prefetch: limits.prefetch, held: new Set() };
    this.#takers.add(taker);
    this.#handOut();
    return (withinMs) => this.#leave(taker, withinMs);
  }

  add(entry: Entry): void {
    this.#ready.push(entry);
    this.#handOut();
  }

  /** Waits for what is being handled; rejects if that takes longer than `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.#closed = true;
    this.#ready.length = 0;
    for (const timer of this.#delayed) clearTimeout(timer);
    await Promise.all([...this.#takers].map(({ intake }) => intake.close(withinMs)));
  }

  async #leave(taker: Taker, withinMs: number): Promise<void> {
    this.#takers.delete(taker);
    try {
      await taker.intake.close(withinMs);
    } finally {
      this.#ready.unshift(...taker.held);
      taker.held.clear();
      this.#handOut();
    }
  }

  /** To whoever has least in hand. */
  #handOut(): void {
    while (this.#ready.length > 0 && !this.#closed) {
      const free = [...this.#takers].filter((taker) => taker.held.size < taker.prefetch);
      const [first, ...others] = free;
      if (!first) return;
      const taker = others.reduce(
        (least, other) => (other.held.size < least.held.size ? other : least),
        first,
      );
      const entry = this.#ready.shift();
      if (!entry) return;
      taker.held.add(entry);
      taker.intake.push(entry);
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
      this.#log?.warn({ ...about, delay, postponed }, 'handling failed; the event comes again');
      this.#addLater({ ...failed, postponed, delivery: { ...entry.delivery, attempt: step.attempt } }, delay);
      return;
    }
    this.#log?.error({ ...about, reason: step.reason }, 'event goes to the dead letters');
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
