import type { ServiceClient } from '@warren/service-kit';
import { pgClient, type RawClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Store } from './store.js';

type RawPgClient = ServiceClient<RawClient> & RawClient;

/** Shows the cost of the unit of work without Prisma. */
const client = (pool: Pool): RawPgClient => ({
  ...pgClient(pool, { named: true }),
  $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => (await pool.query(sql, values)).rows as T,
  // The kit owns the pool.
  $disconnect: async () => undefined,
});

export const rawStore: Store<RawClient, RawPgClient> = {
  client,

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
