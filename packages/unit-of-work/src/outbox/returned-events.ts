import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import type { ReturnedRows } from './returned-rows.js';
import type { ClaimedRow } from './table.js';

export interface ReturnedEventsParts {
  table: ReturnedRows;
  /** Types that some service consumes, so that a queue for them must exist or come back. */
  consumedTypes: ReadonlySet<string>;
  limits: Pick<Limits, 'returnedMs' | 'outboxDays'>;
  log: Logger;
}

/** Most rows that are given up at once. */
const givenUpAtOnce = 500;
/** Most of the time that may go into looking at returned rows. */
const shareOfTime = 1 / 20;

/**
 * Decides what becomes of events that the bus returned because no queue took them. Where a service consumes their type,
 * its queue or a binding is missing for now, or the service isn't deployed yet: so the events stay in the outbox. Every
 * `returnedMs`, one event of each type is published again. As soon as a queue takes it, the others of its type are
 * released. Events that no queue takes within `outboxDays` are given up.
 */
export class ReturnedEvents {
  readonly #parts: ReturnedEventsParts;
  /** Types that no queue takes, as far as this process knows; no more than `consumedTypes`. */
  readonly #missing = new Set<string>();
  /** Types that a queue takes again: their returned rows are to be released. */
  readonly #taken = new Set<string>();
  #lookAt = 0;

  constructor(parts: ReturnedEventsParts) {
    this.#parts = parts;
  }

  /** Whether an event that the bus calls unroutable stays in the outbox. */
  keeps(type: string): boolean {
    return this.#parts.consumedTypes.has(type);
  }

  wasReturned(id: string, type: string): void {
    this.#taken.delete(type);
    if (this.#missing.has(type)) return;
    this.#missing.add(type);
    this.#parts.log.warn(
      { id, type },
      'no queue takes an event that a service consumes; it is kept until one does',
    );
  }

  wasTaken(type: string): void {
    if (!this.#missing.delete(type)) return;
    this.#taken.add(type);
    this.#parts.log.info({ type }, 'a queue takes this type again; its returned events are published');
  }

  /** Releases at most `limit` rows of the types that a queue takes again. True if there may be more. */
  async releaseTaken(limit: number): Promise<boolean> {
    if (this.#taken.size === 0) return false;
    const types = [...this.#taken];
    if ((await this.#parts.table.releaseReturned(types, limit)) === limit) return true;
    for (const type of types) this.#taken.delete(type);
    return false;
  }

  /** Claims one returned row of each type, if `returnedMs` have passed since the last time; else none. */
  async claimOneOfEach(): Promise<ClaimedRow[]> {
    const began = Date.now();
    if (began < this.#lookAt) return [];
    const { table, limits, log } = this.#parts;
    const givenUp = await table.giveUpReturned(limits.outboxDays, givenUpAtOnce);
    if (givenUp > 0) log.error({ events: givenUp }, 'events given up that no queue took for too long');
    const rows = await table.claimReturned();
    for (const { type } of rows) this.#missing.add(type);
    this.#lookAt = Date.now() + Math.max(limits.returnedMs, (Date.now() - began) / shareOfTime);
    return rows;
  }
}
