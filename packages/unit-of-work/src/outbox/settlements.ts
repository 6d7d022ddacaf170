import type { Logger } from 'pino';
import { jittered } from '../jitter.js';
import type { FreedRow, OutboxTable, ParkedRow } from './table.js';

/** So long an answer waits for others, to share one statement with them; far less than a lease. */
const lingerMs = 60;
const retryMs = 1_000;
const backOff = { firstMs: 250, mostMs: 30_000 };
const failuresKept = 10_000;

/**
 * Writes the bus's answers back to the outbox, many in one statement. What can't be written now is kept and
 * tried again; it is never more than a relay holds.
 */
export class Settlements {
  readonly #table: OutboxTable;
  readonly #log: Logger;
  readonly #onDone: (count: number) => void;
  readonly #confirmed: string[] = [];
  readonly #freed: FreedRow[] = [];
  readonly #refused: ParkedRow[] = [];
  readonly #returned: string[] = [];
  readonly #failures = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #writing: Promise<void> | undefined;

  /** `onDone` hears how many rows are no longer waiting. */
  constructor(table: OutboxTable, log: Logger, onDone: (count: number) => void) {
    this.#table = table;
    this.#log = log;
    this.#onDone = onDone;
  }

  confirmed(id: string): void {
    this.#failures.delete(id);
    this.#confirmed.push(id);
    this.#schedule(lingerMs);
  }

  /** The row is free again, for any relay, after a back-off that grows with each failure of this row. */
  failed(id: string, error: unknown): void {
    if (this.#freed.length === 0) this.#log.warn({ err: error, id }, 'an event was not confirmed');
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#remember(id, failures);
    const delayMs = Math.min(backOff.firstMs * 2 ** (failures - 1), backOff.mostMs);
    this.#freed.push({ id, delayMs: Math.round(jittered(delayMs)) });
    this.#schedule(lingerMs);
  }

  /** The row is parked: publishing it again has no sense before a person has changed something. */
  refused(id: string, because: string): void {
    this.#failures.delete(id);
    this.#refused.push({ id, because });
    this.#schedule(lingerMs);
  }

  /** The row stays in the outbox as returned, until a queue takes its type again. */
  returned(id: string): void {
    this.#failures.delete(id);
    this.#returned.push(id);
    this.#schedule(lingerMs);
  }

  /** The rows are free at once. */
  giveBack(ids: readonly string[]): void {
    this.#freed.push(...ids.map((id) => ({ id, delayMs: 0 })));
    this.#schedule(0);
  }

  /** Writes what is left; what fails now stays to the end of its lease. */
  async finish(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  get #empty(): boolean {
    return this.#confirmed.length + this.#freed.length + this.#refused.length + this.#returned.length === 0;
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#timer || this.#writing || this.#empty) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().then((done) => {
        this.#writing = undefined;
        this.#schedule(done ? lingerMs : retryMs);
      });
    }, ms);
  }

  #remember(id: string, failures: number): void {
    this.#failures.delete(id);
    this.#failures.set(id, failures);
    if (this.#failures.size <= failuresKept) return;
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }

  async #write(): Promise<boolean> {
    try {
      await this.#mark();
      await this.#park();
      await this.#markReturned();
      await this.#release();
      return true;
    } catch (error) {
      this.#log.warn({ err: error }, 'the outbox could not be marked; trying again');
      return false;
    }
  }

  async #mark(): Promise<void> {
    await drain(this.#confirmed, async (ids) => {
      await this.#table.markPublished(ids);
      this.#onDone(ids.length);
    });
  }

  async #park(): Promise<void> {
    await drain(this.#refused, async (rows) => {
      await this.#table.park(rows);
      this.#onDone(rows.length);
    });
  }

  async #markReturned(): Promise<void> {
    await drain(this.#returned, async (ids) => {
      await this.#table.markReturned(ids);
      this.#onDone(ids.length);
    });
  }

  async #release(): Promise<void> {
    await drain(this.#freed, (rows) => this.#table.release(rows));
  }
}

/** Takes off the list what was written, and only then; what came meanwhile is behind it. */
async function drain<T>(list: T[], write: (taken: T[]) => Promise<void>): Promise<void> {
  if (list.length === 0) return;
  const taken = list.slice();
  await write(taken);
  list.splice(0, taken.length);
}
