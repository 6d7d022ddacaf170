import type { Doors, ServiceContext } from '@warren/service-kit';
import { forgetter } from './background/forgetter.js';
import { notificationPruner } from './background/pruner.js';
import { markCommands } from './commands/marks.js';
import type { Config } from './config.js';
import { dispatcher } from './deliveries/dispatcher.js';
import { emailChannel } from './deliveries/email-channel.js';
import { pushChannel } from './deliveries/push-channel.js';
import { defaultTiming } from './deliveries/timing.js';
import { kept } from './domain/kept.js';
import { deferredEvents } from './events/deferred-events.js';
import { deferrable, reactions } from './events/reactions.js';
import { sessionsEnd } from './events/sessions.js';
import { userProjections } from './events/users.js';
import { markRoutes } from './http/marks.js';
import { notificationRoutes } from './http/notifications.js';
import { preferenceRoutes } from './http/preferences.js';
import { pushSubscriptionRoutes } from './http/push-subscriptions.js';
import { createMarks } from './operations/marks.js';
import type { Providers } from './providers/open.js';
import type { NotificationDb, PrismaClient } from './store/database.js';

/** What is open to the outside, with the ways out of the caller's choice. */
export function notificationDoors(
  context: ServiceContext<Config, NotificationDb, PrismaClient>,
  { mailer, pusher }: Providers,
  timing = defaultTiming,
): Doors<NotificationDb> {
  const { uow, client, config } = context;
  const marks = createMarks(uow);
  const channels = [emailChannel(mailer, config.WEB_URL), pushChannel(pusher, client, config.WEB_URL)];
  return {
    http: [
      notificationRoutes(uow),
      markRoutes(marks),
      preferenceRoutes(uow, client),
      pushSubscriptionRoutes(uow, client, pusher),
    ],
    commands: markCommands(marks),
    // Copies before reactions: a person's own registration is known when they are welcomed.
    events: [...userProjections, ...reactions, sessionsEnd],
    background: [
      ...channels.map((channel) => dispatcher({ ...context, channel, timing })),
      deferredEvents({ ...context, handlers: deferrable, pollMs: timing.pollMs }),
      forgetter(context),
      notificationPruner({ ...context, kept }),
    ],
  };
}
