import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { inTransaction, type RawClient, statementNames, type TransactionOptions } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { ServiceClient } from '../../definition.js';
import { type ExtensibleClient, ModelClients } from './model-clients.js';
import { rawStatements } from './raw-statements.js';

export interface PrismaOptions {
  adapter: SqlDriverAdapterFactory;
}

type Work<T> = (db: RawClient) => Promise<T>;

/**
 * A service's Prisma client: `prismaClient(pool, (options) => new PrismaClient(options))`. The pool stays the kit's.
 *
 * The kit runs interactive transactions itself (`PgTransaction`), since Prisma's own cost more processor time than all
 * that a handler does in one. Inside, raw statements go straight to node-postgres, and models go through a Prisma client
 * that belongs to the transaction until its end (`ModelClients`). The pool bounds the wait for a connection. If tables
 * have changed under the plans of a transaction, it runs again, so its work must have no effects of its own.
 */
export function prismaClient<Client extends ServiceClient<RawClient> & RawClient & ExtensibleClient>(
  pool: Pool,
  open: (options: PrismaOptions) => Client,
): Client {
  const nameOf = statementNames();
  const named = { statementNameGenerator: ({ sql }: { sql: string }) => nameOf(sql) ?? '' };
  const client = open({ adapter: new PrismaPg(pool, named) });
  const models = new ModelClients((adapter) => open({ adapter }), named);
  const own = { transaction: client.$transaction.bind(client), disconnect: client.$disconnect.bind(client) };

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
    // A list of operations stays Prisma's.
    $transaction: (work: unknown, options?: TransactionOptions) =>
      typeof work === 'function'
        ? transact(work as Work<unknown>, options)
        : own.transaction(work as Work<unknown>, options),
    async $disconnect() {
      await own.disconnect();
      await models.close();
    },
  });
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
