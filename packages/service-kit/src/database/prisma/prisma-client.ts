import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { inTransaction, type RawClient, statementNames, type TransactionOptions } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { ServiceClient } from '../../definition.js';
import { type ExtensibleClient, ModelClients } from './model-clients.js';
import { rawStatements } from './raw-statements.js';

/** The options of every Prisma client of a service. */
export interface PrismaOptions {
  adapter: SqlDriverAdapterFactory;
  transactionOptions: { maxWait: number; timeout: number };
}

/**
 * Milliseconds. The transaction of the kit bounds the nested ones of Prisma, whose own defaults of 2 and 5 s could end
 * them earlier.
 */
const transactionOptions = { maxWait: 3_600_000, timeout: 3_600_000 };

type Work<T> = (db: RawClient) => Promise<T>;

/**
 * A service's Prisma client: `prismaClient(pool, (options) => new PrismaClient(options))`. The pool stays the kit's.
 *
 * The kit runs interactive transactions itself (`PgTransaction`), since Prisma's own cost more processor time than all
 * that a handler does in one. Inside, raw statements go straight to node-postgres, and models go through a Prisma client
 * that belongs to the transaction until its end (`ModelClients`). The pool bounds the wait for a connection. If tables
 * have changed under the plans of a transaction, it runs again, so its work must have no effects of its own.
 *
 * The client refuses the transactions that Prisma would run itself outside of such a transaction: for lists of operations,
 * nested writes, and operations with more values than one statement takes. They would neither run again nor check the
 * outcome of COMMIT.
 */
export function prismaClient<Client extends ServiceClient<RawClient> & RawClient & ExtensibleClient>(
  pool: Pool,
  open: (options: PrismaOptions) => Client,
): Client {
  const nameOf = statementNames();
  const named = { statementNameGenerator: ({ sql }: { sql: string }) => nameOf(sql) ?? '' };
  const client = open({ adapter: withoutTransactions(new PrismaPg(pool, named)), transactionOptions });
  const models = new ModelClients((adapter) => open({ adapter, transactionOptions }), named);
  const disconnect = client.$disconnect.bind(client);

  function transact<T>(work: Work<T>, options: TransactionOptions = {}): Promise<T> {
    return inTransaction(pool, options, async (transaction) => {
      const lent = models.lazily(transaction);
      try {
        return await work(withModels(rawStatements(transaction, nameOf), lent.client));
      } finally {
        lent.giveBack();
      }
    });
  }

  return Object.assign(client, {
    async $transaction(work: unknown, options?: TransactionOptions) {
      if (typeof work !== 'function') throw notByPrisma();
      return await transact(work as Work<unknown>, options);
    },
    async $disconnect() {
      await disconnect();
      await models.close();
    },
  });
}

/** Prisma's driver adapter for queries outside of the kit's transactions. */
function withoutTransactions(factory: PrismaPg): SqlDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = await factory.connect();
      return Object.assign(adapter, { startTransaction: () => Promise.reject(notByPrisma()) });
    },
  };
}

function notByPrisma(): Error {
  return new Error(
    'Prisma runs no transactions of its own here: use $transaction(async (tx) => …), or an operation of the unit of work',
  );
}

/** The client that a handler gets: the kit's raw statements, and for everything else `models`, made when first needed. */
function withModels<Raw extends object>(raw: Raw, models: () => object): Raw {
  return new Proxy(raw, {
    get(target, name) {
      // `await` reads `then`, which must not make a client.
      if (name in target || name === 'then') return Reflect.get(target, name);
      return Reflect.get(models(), name);
    },
  });
}
