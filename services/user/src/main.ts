import { defineService, prismaClient, runWhenMain } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { config } from './config.js';
import { userDoors } from './doors.js';
import { PrismaClient } from './store/database.js';

export const user = defineService({
  name: 'user',
  port: 4001,
  contract: userContract,
  config,
  database: {
    client: (pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  doors: userDoors,
});

await runWhenMain(import.meta, user);
