import { PrismaPg } from '@prisma/adapter-pg';
import type { IsolationLevel, SqlDriverAdapter, SqlDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import type { RawClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { ServiceClient } from '../../definition.js';
import { checkedCommits } from './checked-commits.js';
import { KitTransaction } from './kit-transaction.js';
import { Lent, lendingAdapter } from './lending-adapter.js';
import { PrismaSide } from './prisma-side.js';
import { statementNames } from './statement-names.js';
import { txClient } from './tx-client.js';

/** Milliseconds: how long Prisma may take to open its side of a transaction, and how long one may run. */
const transactionOptions = { maxWait: 3_000, timeout: 10_000 } as const;

/** How often a transaction is run again because tables changed under its plans. */
const mostReruns = 2;

export interface PrismaOptions {
  adapter: SqlDriverAdapterFactory;
  transactionOptions: typeof transactionOptions;
}

interface TransactionOptions {
  timeout?: number;
  isolationLevel?: keyof typeof isolationLevels;
}

type Work<T> = (db: RawClient) => Promise<T>;

const isolationLevels = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} satisfies Record<string, IsolationLevel>;

/**
 * A service's Prisma client: `prismaClient(pool, (options) => new PrismaClient(options))`. The pool stays the kit's.
 *
 * Interactive transactions are run by the kit, since Prisma's own cost more processor time than all that a handler
 * does in one. What the work in them sees is the same; the wait for a connection is bounded by the pool. Where tables
 * have changed under its plans, a transaction is run again, so its work must have no effects of its own.
 */
export function prismaClient<Client extends ServiceClient<RawClient> & RawClient>(
  pool: Pool,
  open: (options: PrismaOptions) => Client,
): Client {
  const checked = checkedCommits(pool);
  const driver = new PrismaPg(checked, { statementNameGenerator: statementNames() });
  const lent = new Lent();
  // Prisma's own transactions can't be run again from here: without names, each statement has a new plan.
  const unnamed = new PrismaPg(checked);
  const client = open({ adapter: lendingAdapter(driver, unnamed, lent), transactionOptions });
  let adapter: Promise<SqlDriverAdapter> | undefined;

  async function transact<T>(work: Work<T>, options: TransactionOptions = {}): Promise<T> {
    const { timeout = transactionOptions.timeout, isolationLevel } = options;
    adapter ??= driver.connect();
    const isolation = isolationLevel && isolationLevels[isolationLevel];
    for (let reruns = 0; ; reruns++) {
      const transaction = await KitTransaction.begin(await adapter, timeout, isolation);
      try {
        return await finish(transaction, work, timeout);
      } catch (error) {
        if (!transaction.hadStalePlan || reruns === mostReruns) throw error;
      }
    }
  }

  async function finish<T>(transaction: KitTransaction, work: Work<T>, timeout: number): Promise<T> {
    const prisma = new PrismaSide(client, lent, transaction, timeout);
    try {
      const value = await work(txClient<RawClient>(client, transaction, () => prisma.open()));
      await prisma.close();
      await transaction.commit();
      return value;
    } catch (error) {
      await prisma.close(new Error('the transaction failed', { cause: error }));
      await transaction.rollback().catch(() => undefined);
      throw error;
    }
  }

  async function disconnect(): Promise<void> {
    await client.$disconnect();
    await (await adapter)?.dispose();
  }

  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === '$disconnect') return disconnect;
      if (property === '$transaction') {
        return (work: unknown, options: TransactionOptions) =>
          typeof work === 'function'
            ? transact(work as Work<unknown>, options)
            : Reflect.apply(value as () => unknown, target, [work, options]);
      }
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
