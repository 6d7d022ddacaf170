import { prismaOptions } from '@warren/service-kit';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import type { Store } from './store.js';

/** What a service on Warren really uses. */
export const prismaStore: Store<Prisma.TransactionClient, PrismaClient> = {
  client: (pool) => new PrismaClient(prismaOptions(pool)),

  async insertPayment(db, { amountRefunded: _, updatedAt: __, failureCode: ___, ...payment }) {
    await db.payment.create({ data: payment });
  },

  async insertNotification(db, userId, notification) {
    await db.notification.create({ data: { ...notification, userId } });
  },
};
