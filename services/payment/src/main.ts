import { paymentContract } from '@warren/payment-contract';
import { defineService, prismaClient, runWhenMain } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { config } from './config.js';
import { paymentDoors } from './doors.js';
import { chooseProvider } from './providers/choose.js';
import { PrismaClient } from './store/database.js';

export const payment = defineService({
  name: 'payment',
  port: 4002,
  contract: paymentContract,
  contracts: [userContract],
  config,
  database: {
    client: (pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  doors: async (context) => paymentDoors(context, await chooseProvider(context.config, context.log)),
});

await runWhenMain(import.meta, payment);
