import { notificationContract } from '@warren/notification-contract';
import { paymentContract } from '@warren/payment-contract';
import { defineService, prismaClient, runWhenMain } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { config } from './config.js';
import { notificationDoors } from './doors.js';
import { requestMissingUserFields } from './operations/request-missing-user-fields.js';
import { openProviders } from './providers/open.js';
import { PrismaClient } from './store/database.js';

export const notification = defineService({
  name: 'notification',
  port: 4003,
  contract: notificationContract,
  contracts: [userContract, paymentContract],
  config,
  database: {
    client: (pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  async doors(context) {
    if (await requestMissingUserFields(context))
      context.log.info('some copies of users lack fields; requesting all users again');
    return notificationDoors(context, await openProviders(context));
  },
});

await runWhenMain(import.meta, notification);
