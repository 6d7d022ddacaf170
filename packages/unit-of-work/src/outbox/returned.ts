import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import type { ClaimedRow, OutboxTable } from './table.js';

export interface ReturnedParts {
  table: OutboxTable;
  /** Types that some contract consumes, so that a queue for them must exist or come back. */
  wanted: ReadonlySet<string>;
  limits: Pick<Limits, 'returnedMs' | 'outboxDays'>;
  log: Logger;
}

/** Rows that one look gives up at most. */
const givenUpAtOnce = 500;
/** A look at what is set aside may take this part of the time between two of them. */
const shareOfTime = 1 / 20;

/**
 * Events that no queue took although a contract consumes their type: its queue or binding is missing for now. They are
 * set aside in the outbox, where they are no backlog. Every `returnedMs` one of each type is published again; where the
 * bus takes that one, the others follow. Those that nobody took for `outboxDays` are given up: so long a service may be
 * away, or not be deployed yet.
 */
export class Returned {
  readonly #parts: ReturnedParts;
  /** Types that came back, as far as this process knows; as many as are wanted at most. */
  readonly #missing = new Set<string>();
  /** Types that came back and are taken again: what is set aside of them follows. */
  readonly #following = new Set<string>();
  #lookAt = 0;

  constructor(parts: ReturnedParts) {
    this.#parts = parts;
  }

  /** Whether an event that the bus calls unroutable is to be kept. */
  keeps(type: string): boolean {
    return this.#parts.wanted.has(type);
  }

  cameBack(id: string, type: string): void {
    this.#following.delete(type);
    if (this.#missing.has(type)) return;
    this.#missing.add(type);
    this.#parts.log.warn(
      { id, type },
      'no queue takes an event that a service consumes; it is kept until one does',
    );
  }

  wasTaken(type: string): void {
    if (!this.#missing.delete(type)) return;
    this.#following.add(type);
    this.#parts.log.info({ type }, 'a queue takes events again that came back');
  }

  /** Lets at most `limit` rows go whose type is taken again. True if there may be more of them. */
  async follow(limit: number): Promise<boolean> {
    if (this.#following.size === 0) return false;
    const types = [...this.#following];
    if ((await this.#parts.table.letGo(types, limit)) === limit) return true;
    for (const type of types) this.#following.delete(type);
    return false;
  }

  /** Claims one row of each type that is set aside, when it is time. */
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
