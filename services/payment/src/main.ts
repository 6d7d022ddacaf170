import { paymentContract } from '@warren/payment-contract';
import { defineService, type Pool, prismaClient, runWhenMain } from '@warren/service-kit';
import { config } from './config.js';
import { paymentDoors } from './doors.js';
import { userProjections } from './events/users.js';
import { chooseProvider } from './providers/choose-provider.js';
import { PrismaClient } from './store/database.js';

export const payment = defineService({
  contract: paymentContract,
  port: 4002,
  config,
  database: {
    client: (pool: Pool) => prismaClient(pool, (options) => new PrismaClient(options)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  events: userProjections,
  doors: async (context) => paymentDoors(context, await chooseProvider(context.config, context.log)),
});

await runWhenMain(import.meta, payment);
