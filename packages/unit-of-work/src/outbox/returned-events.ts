import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import type { ReturnedRows } from './returned-rows.js';
import type { ClaimedRow } from './table.js';

export interface ReturnedEventsParts {
  table: ReturnedRows;
  /** Types of which an event stays in the outbox until a queue takes it. */
  keptTypes: ReadonlySet<string>;
  limits: Pick<Limits, 'returnedMs' | 'outboxDays'>;
  log: Logger;
}

/** How many rows are given up with one statement at most. */
const maxGivenUp = 500;
/** The share of time that retries may take at most. */
const maxShareOfTime = 1 / 20;

/**
 * Decides what happens to events that the bus returned because no queue took them. Unless their type is discardable,
 * some service consumes it, and its queue or a binding is missing, or the service isn't deployed yet: the events stay in
 * the outbox. Every `returnedMs`, one event of each type is published again. When a queue takes it, the other events of
 * its type are released to the relays. Events that no queue takes within `outboxDays` are given up.
 */
export class ReturnedEvents {
  readonly #parts: ReturnedEventsParts;
  /** Types that no queue takes, as far as this process knows. */
  readonly #missing = new Set<string>();
  /** Types that a queue takes again, and whose returned rows must be released. */
  readonly #taken = new Set<string>();
  #retryAt = 0;

  constructor(parts: ReturnedEventsParts) {
    this.#parts = parts;
  }

  /** Whether an unroutable event of this type stays in the outbox. */
  keeps(type: string): boolean {
    return this.#parts.keptTypes.has(type);
  }

  wasReturned(id: string, type: string): void {
    this.#taken.delete(type);
    if (this.#missing.has(type)) return;
    this.#missing.add(type);
    this.#parts.log.warn({ id, type }, 'no queue takes events of this type; they are kept until one does');
  }

  wasTaken(type: string): void {
    if (!this.#missing.delete(type)) return;
    this.#taken.add(type);
    this.#parts.log.info({ type }, 'a queue takes events of this type again; the kept ones are published');
  }

  /** Releases at most `limit` rows of the types that a queue takes again. Resolves to true if there may be more. */
  async releaseTaken(limit: number): Promise<boolean> {
    if (this.#taken.size === 0) return false;
    const types = [...this.#taken];
    if ((await this.#parts.table.releaseReturned(types, limit)) === limit) return true;
    for (const type of types) this.#taken.delete(type);
    return false;
  }

  /** Claims one returned row of each type, or none if the last retry was less than `returnedMs` ago. */
  async claimOneOfEach(): Promise<ClaimedRow[]> {
    const began = Date.now();
    if (began < this.#retryAt) return [];
    const { table, limits, log } = this.#parts;
    const givenUp = await table.giveUpReturned(limits.outboxDays, maxGivenUp);
    if (givenUp > 0) log.error({ events: givenUp }, 'events were given up: no queue took them for too long');
    const rows = await table.claimReturned();
    for (const { type } of rows) this.#missing.add(type);
    this.#retryAt = Date.now() + Math.max(limits.returnedMs, (Date.now() - began) / maxShareOfTime);
    return rows;
  }
}
