import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlQuery,
  SqlResultSet,
  Transaction,
} from '@prisma/driver-adapter-utils';

/** The part of a transaction that queries. */
export type Querying = Pick<Transaction, 'queryRaw' | 'executeRaw'>;

/** A database transaction that the kit runs itself, over Prisma's driver adapter. Over, it takes nothing more. */
export class KitTransaction implements Querying {
  readonly #driver: Transaction;
  readonly #timer: NodeJS.Timeout;
  #hadStalePlan = false;
  /** Why nothing more is taken. */
  #over: Error | undefined;

  /** Rolls back by itself after `timeoutMs`. Rejects where no connection can be had. */
  static async begin(
    adapter: SqlDriverAdapter,
    timeoutMs: number,
    isolation?: IsolationLevel,
  ): Promise<KitTransaction> {
    return new KitTransaction(await adapter.startTransaction(isolation), timeoutMs);
  }

  private constructor(driver: Transaction, timeoutMs: number) {
    this.#driver = driver;
    this.#timer = setTimeout(() => {
      void this.#end('ROLLBACK', tooSlow(timeoutMs)).catch(() => undefined);
    }, timeoutMs);
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    if (this.#over) throw this.#over;
    return this.#driver.queryRaw(query).catch((error: unknown) => this.#failed(error));
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    if (this.#over) throw this.#over;
    return this.#driver.executeRaw(query).catch((error: unknown) => this.#failed(error));
  }

  /** A statement failed because its plan was made before its tables changed: a new transaction makes a new plan. */
  get hadStalePlan(): boolean {
    return this.#hadStalePlan;
  }

  #failed(error: unknown): never {
    if (isUnsupported(error)) this.#hadStalePlan = true;
    throw error;
  }

  async commit(): Promise<void> {
    if (this.#over) throw this.#over;
    await this.#end('COMMIT', new Error('the transaction is committed already'));
  }

  /** Does nothing where it is over. */
  async rollback(): Promise<void> {
    if (!this.#over) await this.#end('ROLLBACK', new Error('the transaction is rolled back already'));
  }

  async #end(sql: 'COMMIT' | 'ROLLBACK', over: Error): Promise<void> {
    this.#over = over;
    clearTimeout(this.#timer);
    try {
      await this.#driver.executeRaw({ sql, args: [], argTypes: [] });
    } finally {
      // The driver's own commit and rollback are alike: they give the connection back.
      await this.#driver.commit();
    }
  }
}

/** 0A000, as Prisma's driver adapter tells it; the adapter keeps nothing that would tell its meanings apart. */
function isUnsupported(error: unknown): boolean {
  const { cause } = error as { cause?: { originalCode?: unknown } };
  return cause?.originalCode === '0A000';
}

/** Under the code that Prisma has for it. */
function tooSlow(timeoutMs: number): Error {
  return Object.assign(new Error(`the transaction took longer than ${timeoutMs} ms`), { code: 'P2028' });
}
