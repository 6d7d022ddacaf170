import { PrismaPg } from '@prisma/adapter-pg';
import type {
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  Transaction,
} from '@prisma/driver-adapter-utils';
import type { PgTransaction } from '@warren/unit-of-work';
import pg, { type QueryConfig } from 'pg';

/** The part of Prisma's client that is needed here. */
export interface ExtensibleClient {
  $extends(extension: never): object;
  $disconnect(): Promise<void>;
}

type PgOptions = ConstructorParameters<typeof PrismaPg>[1];

/** A Prisma client and the connection that its queries use. Serves one transaction at a time. */
interface PooledClient {
  client: ExtensibleClient;
  connection: LentConnection;
}

export interface LentModels {
  /** Prisma's client of the transaction. */
  client(): object;
  /** Refuses further operations. The Prisma client serves another transaction once those that run have ended. */
  giveBack(): void;
}

/**
 * Prisma clients for the models of transactions. A transaction that uses models has one of them to itself, because a
 * Prisma client combines queries that are made in the same tick, and queries of two transactions must stay apart. There
 * are as many clients as transactions that ever used models at the same time. Making one takes 5 to 50 ms.
 */
export class ModelClients {
  readonly #open: (adapter: SqlDriverAdapterFactory) => ExtensibleClient;
  readonly #options: PgOptions;
  readonly #free: PooledClient[] = [];
  readonly #all: PooledClient[] = [];

  constructor(open: (adapter: SqlDriverAdapterFactory) => ExtensibleClient, options: PgOptions) {
    this.#open = open;
    this.#options = options;
  }

  /** A Prisma client for this transaction, taken when it is first asked for. */
  lazily(transaction: PgTransaction): LentModels {
    let lent: PooledClient | undefined;
    let client: object | undefined;
    let running = 0;
    let ended = false;

    const free = () => {
      if (!ended || !lent || running > 0) return;
      lent.connection.transaction = undefined;
      this.#free.push(lent);
      lent = undefined;
    };
    const during = async <T>({ args, query }: Operation<T>): Promise<T> => {
      if (ended) throw new Error('the transaction has ended');
      running += 1;
      try {
        return await query(args);
      } finally {
        running -= 1;
        free();
      }
    };

    return {
      client: () => {
        if (client) return client;
        if (ended) throw new Error('the transaction has ended');
        lent = this.#free.pop() ?? this.#make();
        lent.connection.lendTo(transaction);
        client = lent.client.$extends({ query: { $allOperations: during } } as never);
        return client;
      },
      giveBack() {
        ended = true;
        free();
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ client }) => client.$disconnect()));
  }

  #make(): PooledClient {
    const connection = new LentConnection();
    const client = this.#open(adapterOver(connection, this.#options));
    const lent = { client, connection };
    this.#all.push(lent);
    return lent;
  }
}

interface Operation<T> {
  args: unknown;
  query(args: unknown): Promise<T>;
}

/** Sends queries to the current transaction. It has the type of a pool because Prisma's driver adapter takes a pool. */
class LentConnection extends pg.Pool {
  transaction: PgTransaction | undefined;
  /** Resolves when the last savepoint has ended. */
  savepoint: Promise<void> = Promise.resolve();

  lendTo(transaction: PgTransaction): void {
    this.transaction = transaction;
    this.savepoint = Promise.resolve();
  }

  override query = (async (statement: QueryConfig) => {
    if (!this.transaction) throw new Error('the transaction has ended');
    return this.transaction.query(statement);
  }) as unknown as pg.Pool['query'];
}

/** Prisma's driver adapter, with savepoints instead of transactions, since it already is in a transaction. */
function adapterOver(connection: LentConnection, options: PgOptions): SqlDriverAdapterFactory {
  const factory = new PrismaPg(connection, options);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect(): Promise<SqlDriverAdapter> {
      const adapter = await factory.connect();
      return Object.assign(adapter, { startTransaction: () => savepoint(adapter, connection) });
    },
  };
}

/**
 * Savepoints of one transaction form a stack: releasing one, or rolling back to it, ends those that were made after it.
 * So the next one is made when the last one has ended. An operation that needs a savepoint must therefore not wait for
 * another such operation of the same transaction.
 */
async function savepoint(adapter: SqlDriverAdapter, connection: LentConnection): Promise<Transaction> {
  // Kept, because the connection may be lent to another transaction before this savepoint ends.
  const { transaction } = connection;
  if (!transaction) throw new Error('the transaction has ended');
  const previous = connection.savepoint;
  let ended = () => {};
  connection.savepoint = new Promise<void>((resolve) => {
    ended = resolve;
  });
  await previous;
  // Without a statement name: these statements need no plan.
  const run = async (text: string) => void (await transaction.query({ text }));
  const end = (text: string) => run(text).finally(ended);
  try {
    await run('SAVEPOINT warren');
  } catch (error) {
    ended();
    throw error;
  }
  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    /** Makes Prisma call `commit` and `rollback` instead of sending the statements itself. */
    options: { usePhantomQuery: true },
    queryRaw: (query: SqlQuery) => adapter.queryRaw(query),
    executeRaw: (query: SqlQuery) => adapter.executeRaw(query),
    commit: () => end('RELEASE SAVEPOINT warren'),
    rollback: () => end('ROLLBACK TO SAVEPOINT warren'),
    createSavepoint: (inner) => run(`SAVEPOINT ${inner}`),
    rollbackToSavepoint: (inner) => run(`ROLLBACK TO SAVEPOINT ${inner}`),
    releaseSavepoint: (inner) => run(`RELEASE SAVEPOINT ${inner}`),
  };
}
