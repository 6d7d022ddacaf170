import type { ServiceClient } from '@warren/service-kit';
import type { RawClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Store } from './store.js';

/** The smallest client for a unit of work. It shows the cost of the unit of work without Prisma. */
class RawPgClient implements ServiceClient<RawClient> {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async $queryRawUnsafe<T>(sql: string, ...values: unknown[]): Promise<T> {
    return (await this.#pool.query(sql, values)).rows as T;
  }

  async $transaction<T>(
    work: (tx: RawClient) => Promise<T>,
    options: { isolationLevel?: 'ReadCommitted' | 'RepeatableRead' } = {},
  ): Promise<T> {
    const client = await this.#pool.connect();
    const tx: RawClient = {
      $queryRawUnsafe: async <R>(sql: string, ...values: unknown[]) =>
        (await client.query({ name: nameOf(sql), text: sql, values })).rows as R,
    };
    try {
      const repeatable = options.isolationLevel === 'RepeatableRead';
      await client.query(repeatable ? 'begin isolation level repeatable read' : 'begin');
      const result = await work(tx);
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      // Destroying the connection rolls back in any state.
      client.release(true);
      throw error;
    }
  }

  /** Does nothing, because the kit owns the pool. */
  async $disconnect(): Promise<void> {}
}

const names = new Map<string, string>();

/** Names each statement, as the kit does for Prisma, so that PostgreSQL keeps its plan. There are few statements. */
function nameOf(sql: string): string {
  const name = names.get(sql) ?? `raw_${names.size}`;
  names.set(sql, name);
  return name;
}

export const rawStore: Store<RawClient, RawPgClient> = {
  client: (pool) => new RawPgClient(pool),

  async insertPayment(db, payment) {
    const { id, payerId, recipientId, amount, currency, status, description, version, createdAt } = payment;
    await db.$queryRawUnsafe(
      `insert into payment (id, payer_id, recipient_id, amount, currency, status, description, version, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      ...[id, payerId, recipientId, amount, currency, status, description, version, createdAt],
    );
  },

  async insertNotification(db, userId, { id, kind, title, body, data, version, createdAt }) {
    await db.$queryRawUnsafe(
      `insert into notification (id, user_id, kind, title, body, data, version, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      ...[id, userId, kind, title, body, data, version, createdAt],
    );
  },
};
