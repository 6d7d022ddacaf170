import { defineService, type Pool, prismaClient, runWhenMain } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { config } from './config.js';
import { userDoors } from './doors.js';
import { PrismaClient } from './store/database.js';

export const user = defineService({
  contract: userContract,
  port: 4001,
  config,
  database: {
    client: (pool: Pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  doors: userDoors,
});

await runWhenMain(import.meta, user);
