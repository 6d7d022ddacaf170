import type { notificationContract } from '@warren/notification-contract';
import type { Doors } from '@warren/service-kit';
import { forgetter } from './background/forgetter.js';
import { notificationPruner } from './background/pruner.js';
import { markCommands } from './commands/marks.js';
import type { NotificationContext } from './context.js';
import { dispatcher } from './deliveries/dispatcher.js';
import { emailChannel } from './deliveries/email-channel.js';
import { pushChannel } from './deliveries/push-channel.js';
import { defaultTiming } from './deliveries/timing.js';
import { kept } from './domain/kept.js';
import { deferredEvents } from './events/deferred-events.js';
import { deferrable } from './events/reactions.js';
import { markRoutes } from './http/marks.js';
import { notificationRoutes } from './http/notifications.js';
import { preferenceRoutes } from './http/preferences.js';
import { pushSubscriptionRoutes } from './http/push-subscriptions.js';
import { createMarks } from './operations/marks.js';
import type { Providers } from './providers/open.js';
import type { NotificationDb } from './store/database.js';

/** What is open to the outside, with the ways out of the caller's choice. */
export function notificationDoors(
  context: NotificationContext,
  { mailer, pusher }: Providers,
  timing = defaultTiming,
): Doors<NotificationDb, typeof notificationContract> {
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
    background: [
      ...channels.map((channel) => dispatcher({ ...context, channel, timing })),
      deferredEvents({ ...context, handlers: deferrable, pollMs: timing.pollMs }),
      forgetter(context),
      notificationPruner({ ...context, kept }),
    ],
  };
}
