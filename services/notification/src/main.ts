import { notificationContract } from '@warren/contracts';
import { defineService, prismaClient, runWhenMain } from '@warren/service-kit';
import { config } from './config.js';
import { notificationDoors } from './doors.js';
import { PrismaClient } from './store/database.js';

export const notification = defineService({
  name: 'notification',
  port: 4003,
  contract: notificationContract,
  config,
  database: {
    client: (pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  doors: notificationDoors,
});

await runWhenMain(import.meta, notification);
