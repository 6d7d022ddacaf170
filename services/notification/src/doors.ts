import type { Doors, ServiceContext } from '@warren/service-kit';
import { markCommands } from './commands/marks.js';
import { reactions } from './events/reactions.js';
import { userProjections } from './events/users.js';
import { markRoutes } from './http/marks.js';
import { notificationRoutes } from './http/notifications.js';
import { createMarks } from './inbox/marks.js';
import type { NotificationDb, PrismaClient } from './store/database.js';

/** What is open to the outside. */
export function notificationDoors({
  uow,
}: ServiceContext<unknown, NotificationDb, PrismaClient>): Doors<NotificationDb> {
  const marks = createMarks(uow);
  return {
    http: [notificationRoutes(uow), markRoutes(marks)],
    commands: markCommands(marks),
    // Copies before reactions: a person's own registration is known when they are welcomed.
    events: [...userProjections, ...reactions],
  };
}
