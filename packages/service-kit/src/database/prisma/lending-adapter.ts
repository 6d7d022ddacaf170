import { randomUUID } from 'node:crypto';
import type {
  IsolationLevel,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlResultSet,
  Transaction,
} from '@prisma/driver-adapter-utils';
import type { Querying } from './kit-transaction.js';

/** As the first statement of a Prisma transaction, with a token: it works on what is lent under that from then on. */
export const adopt = 'warren: adopt';

/** Open transactions by token, for Prisma's client to work on as well. */
export class Lent {
  readonly #transactions = new Map<string, Querying>();

  lend(transaction: Querying): { token: string; end(): void } {
    const token = randomUUID();
    this.#transactions.set(token, transaction);
    return { token, end: () => this.#transactions.delete(token) };
  }

  get(token: unknown): Querying {
    const transaction = this.#transactions.get(String(token));
    if (!transaction) throw new Error('no transaction is lent under this token');
    return transaction;
  }
}

/**
 * A driver adapter whose transactions may be those of the kit; others are those of `transacting`. Everything else is
 * `inner`'s.
 */
export function lendingAdapter(
  inner: SqlDriverAdapterFactory,
  transacting: SqlDriverAdapterFactory,
  lent: Lent,
): SqlDriverAdapterFactory {
  return {
    provider: inner.provider,
    adapterName: inner.adapterName,
    async connect(): Promise<SqlDriverAdapter> {
      const adapter = await inner.connect();
      const transactions = await transacting.connect();
      return {
        provider: adapter.provider,
        adapterName: adapter.adapterName,
        queryRaw: (query) => adapter.queryRaw(query),
        executeRaw: (query) => adapter.executeRaw(query),
        executeScript: (script) => adapter.executeScript(script),
        startTransaction: async (isolation) => new LateTransaction(transactions, lent, isolation),
        ...(adapter.getConnectionInfo && { getConnectionInfo: () => adapter.getConnectionInfo?.() as never }),
        async dispose() {
          await transactions.dispose();
          await adapter.dispose();
        },
      };
    },
  };
}

/** Takes a connection only with its first statement, unless that says which open transaction this one is part of. */
class LateTransaction implements Transaction {
  /** Prisma leaves COMMIT and ROLLBACK to this. */
  readonly options = { usePhantomQuery: true };
  readonly provider: Transaction['provider'];
  readonly adapterName: string;
  readonly #adapter: SqlDriverAdapter;
  readonly #lent: Lent;
  readonly #isolation: IsolationLevel | undefined;
  #adopted: Querying | undefined;
  #own: Promise<Transaction> | undefined;

  constructor(adapter: SqlDriverAdapter, lent: Lent, isolation?: IsolationLevel) {
    this.provider = adapter.provider;
    this.adapterName = adapter.adapterName;
    this.#adapter = adapter;
    this.#lent = lent;
    this.#isolation = isolation;
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    if (query.sql === adopt && !this.#own) {
      this.#adopted = this.#lent.get(query.args[0]);
      return { columnNames: [], columnTypes: [], rows: [] };
    }
    return (this.#adopted ?? (await this.#begun())).queryRaw(query);
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    return (this.#adopted ?? (await this.#begun())).executeRaw(query);
  }

  commit(): Promise<void> {
    return this.#end('COMMIT');
  }

  rollback(): Promise<void> {
    return this.#end('ROLLBACK');
  }

  async createSavepoint(name: string): Promise<void> {
    await this.#run(`SAVEPOINT ${name}`);
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#run(`ROLLBACK TO SAVEPOINT ${name}`);
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.#run(`RELEASE SAVEPOINT ${name}`);
  }

  #begun(): Promise<Transaction> {
    this.#own ??= this.#adapter.startTransaction(this.#isolation);
    return this.#own;
  }

  async #run(sql: string): Promise<void> {
    await this.executeRaw({ sql, args: [], argTypes: [] });
  }

  /** What is lent is its owner's to end. */
  async #end(sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    const own = await this.#own;
    if (!own) return;
    try {
      await own.executeRaw({ sql, args: [], argTypes: [] });
    } finally {
      await own.commit();
    }
  }
}
