import { notificationContract } from '@warren/notification-contract';
import { defineService, type Pool, prismaClient, runWhenMain } from '@warren/service-kit';
import { config } from './config.js';
import { notificationDoors } from './doors.js';
import { reactions } from './events/reactions.js';
import { userProjections } from './events/users.js';
import { requestMissingUserFields } from './operations/request-missing-user-fields.js';
import { vapidKeys } from './operations/vapid-keys.js';
import { openProviders } from './providers/open.js';
import { PrismaClient } from './store/database.js';

export const notification = defineService({
  contract: notificationContract,
  port: 4003,
  config,
  database: {
    client: (pool: Pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  // Copies come before reactions: the welcome needs the copy that the same event makes.
  events: [...userProjections, ...reactions],
  async doors(context) {
    if (await requestMissingUserFields(context))
      context.log.info('some copies of users lack fields; requesting all users again');
    return notificationDoors(context, openProviders(context, await vapidKeys(context)));
  },
});

await runWhenMain(import.meta, notification);
