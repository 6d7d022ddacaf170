import { prismaOptions } from '@warren/service-kit';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import type { Store } from './store.js';

/**
 * What a service on Warren really uses. Dates go in as `Date`: one given as text ends up in Prisma's query plan
 * itself, so that no plan is ever found in its cache and each query is compiled anew.
 */
export const prismaStore: Store<Prisma.TransactionClient, PrismaClient> = {
  client: (pool) => new PrismaClient(prismaOptions(pool)),

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
