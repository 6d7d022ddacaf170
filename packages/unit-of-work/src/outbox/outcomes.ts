import { backOffMs, jittered } from '@warren/timing';
import type { Logger } from 'pino';
import type { OutboxTable, ParkedRow, ReleasedRow } from './table.js';

/** How long an outcome waits to be written together with others. Far less than a lease. */
const gatherMs = 60;
/** How long to wait before a failed write is retried. */
const retryMs = 1_000;
/** For an event that was not confirmed. */
const backOff = { firstMs: 250, maxMs: 30_000 };
const maxFailureCounts = 10_000;

/**
 * Writes to the outbox what became of published events, many with one statement. What can't be written is kept and
 * retried; there is never more of it than a relay has in flight.
 */
export class Outcomes {
  readonly #table: OutboxTable;
  readonly #log: Logger;
  readonly #onWritten: (count: number) => void;
  readonly #confirmed: string[] = [];
  readonly #released: ReleasedRow[] = [];
  readonly #refused: ParkedRow[] = [];
  readonly #returned: string[] = [];
  /** Failures in a row by event id; the oldest entries are dropped. */
  readonly #failures = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #writing: Promise<void> | undefined;

  /** `onWritten` is told how many rows no longer wait to be published. */
  constructor(table: OutboxTable, log: Logger, onWritten: (count: number) => void) {
    this.#table = table;
    this.#log = log;
    this.#onWritten = onWritten;
  }

  /** The row is published. */
  confirmed(id: string): void {
    this.#failures.delete(id);
    this.#confirmed.push(id);
    this.#schedule(gatherMs);
  }

  /** Any relay may claim the row again, after a back-off that grows with each failure of this event. */
  failed(id: string, error: unknown): void {
    if (this.#released.length === 0) this.#log.warn({ err: error, id }, 'an event was not confirmed');
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#countFailure(id, failures);
    this.#released.push({ id, delayMs: Math.round(jittered(backOffMs(failures, backOff))) });
    this.#schedule(gatherMs);
  }

  /** The row is parked until an operator decides: publishing it again would be refused again. */
  refused(id: string, because: string): void {
    this.#failures.delete(id);
    this.#refused.push({ id, because });
    this.#schedule(gatherMs);
  }

  /** The row is kept as returned until a queue takes its type. */
  returned(id: string): void {
    this.#failures.delete(id);
    this.#returned.push(id);
    this.#schedule(gatherMs);
  }

  /** Any relay may claim the rows again at once. */
  release(ids: readonly string[]): void {
    this.#released.push(...ids.map((id) => ({ id, delayMs: 0 })));
    this.#schedule(0);
  }

  /** Writes what is left. If that fails, the rows stay claimed until their lease ends. */
  async finish(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  get #isEmpty(): boolean {
    const lists = [this.#confirmed, this.#released, this.#refused, this.#returned];
    return lists.every((list) => list.length === 0);
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#timer || this.#writing || this.#isEmpty) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().then((written) => {
        this.#writing = undefined;
        this.#schedule(written ? gatherMs : retryMs);
      });
    }, ms);
  }

  #countFailure(id: string, failures: number): void {
    this.#failures.delete(id);
    this.#failures.set(id, failures);
    if (this.#failures.size <= maxFailureCounts) return;
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }

  async #write(): Promise<boolean> {
    const table = this.#table;
    try {
      await this.#writeList(this.#confirmed, (ids) => table.markPublished(ids));
      await this.#writeList(this.#refused, (rows) => table.park(rows));
      await this.#writeList(this.#returned, (ids) => table.markReturned(ids));
      await writeList(this.#released, (rows) => table.release(rows));
      return true;
    } catch (error) {
      this.#log.warn({ err: error }, 'outcomes could not be written to the outbox; retrying');
      return false;
    }
  }

  async #writeList<T>(list: T[], write: (rows: T[]) => Promise<void>): Promise<void> {
    this.#onWritten(await writeList(list, write));
  }
}

/** Removes from the list what was written, but not what was added meanwhile. Resolves to how many. */
async function writeList<T>(list: T[], write: (rows: T[]) => Promise<void>): Promise<number> {
  if (list.length === 0) return 0;
  const rows = list.slice();
  await write(rows);
  list.splice(0, rows.length);
  return rows.length;
}
