import { prismaClient } from '@warren/service-kit';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import type { Store } from './store.js';

type PrismaStore = Store<Prisma.TransactionClient, PrismaClient>;

const client = (...[pool]: Parameters<PrismaStore['client']>) =>
  prismaClient(pool, (options) => new PrismaClient(options));

/** Like Warren's services on their hottest paths: Prisma's client with hand-written statements. */
export const prismaSqlStore: PrismaStore = {
  client,

  async insertPayment(db, payment) {
    const { id, payerId, recipientId, amount, currency, status, description, version, createdAt } = payment;
    await db.$executeRaw`
      INSERT INTO payment (id, payer_id, recipient_id, amount, currency, status, description, version, created_at)
      VALUES (${id}::uuid, ${payerId}::uuid, ${recipientId}::uuid, ${amount}::bigint, ${currency}, ${status},
        ${description}, ${version}::int, ${createdAt}::timestamptz)`;
  },

  async insertNotification(db, userId, { id, kind, title, body, data, version, createdAt }) {
    await db.$executeRaw`
      INSERT INTO notification (id, user_id, kind, title, body, data, version, created_at)
      VALUES (${id}::uuid, ${userId}::uuid, ${kind}, ${title}, ${body}, ${JSON.stringify(data)}::jsonb,
        ${version}::int, ${createdAt}::timestamptz)`;
  },
};

/**
 * Like the examples in Prisma's documentation. Dates are passed as `Date`: Prisma would include a date that is given as
 * text in its query plan, so that each query misses the plan cache and is compiled again, which doubles its cost.
 */
export const prismaOrmStore: PrismaStore = {
  client,

  async insertPayment(db, payment) {
    const { id, payerId, recipientId, amount, currency, status, description, version } = payment;
    const createdAt = new Date(payment.createdAt);
    await db.payment.create({
      data: { id, payerId, recipientId, amount, currency, status, description, version, createdAt },
      select: { id: true },
    });
  },

  async insertNotification(db, userId, notification) {
    const createdAt = new Date(notification.createdAt);
    await db.notification.create({ data: { ...notification, userId, createdAt }, select: { id: true } });
  },
};
