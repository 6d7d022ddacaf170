import { notificationContract } from '@warren/contracts';
import { defineService, prismaOptions, runWhenMain } from '@warren/service-kit';
import { markCommands } from './commands/marks.js';
import { config } from './config.js';
import { reactions } from './events/reactions.js';
import { userProjections } from './events/users.js';
import { markRoutes } from './http/marks.js';
import { notificationRoutes } from './http/notifications.js';
import { createMarks } from './inbox/marks.js';
import { PrismaClient } from './store/database.js';

export const notification = defineService({
  name: 'notification',
  port: 4003,
  contract: notificationContract,
  config,
  database: {
    client: (pool) => new PrismaClient(prismaOptions(pool)),
    prisma: new URL('../prisma/', import.meta.url),
  },
  doors({ uow }) {
    const marks = createMarks(uow);
    return {
      http: [notificationRoutes(uow), markRoutes(marks)],
      commands: markCommands(marks),
      // Copies before reactions: a person's own registration is known when they are welcomed.
      events: [...userProjections, ...reactions],
    };
  },
});

await runWhenMain(import.meta, notification);
