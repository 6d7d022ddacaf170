import type { notificationContract } from '@warren/notification-contract';
import type { Doors } from '@warren/service-kit';
import { markCommands } from './commands/marks.js';
import type { NotificationContext } from './context.js';
import { retention } from './domain/retention.js';
import { deferrable } from './events/reactions.js';
import { notificationRoutes } from './http/notifications.js';
import { preferenceRoutes } from './http/preferences.js';
import { pushSubscriptionRoutes } from './http/push-subscriptions.js';
import { deferredEvents } from './jobs/deferred-events.js';
import { dispatcher } from './jobs/dispatcher.js';
import { forgetter } from './jobs/forgetter.js';
import { notificationPruner } from './jobs/pruner.js';
import { emailChannel, pushChannel } from './operations/channels.js';
import { createHandleDeferredEvents } from './operations/deferred-events.js';
import { createDeliveries, defaultTiming } from './operations/deliver.js';
import { createMarks } from './operations/marks.js';
import { createPruneInboxes } from './operations/prune-inboxes.js';
import { createPushSubscriptions } from './operations/push-subscriptions.js';
import type { Providers } from './providers/open.js';
import type { NotificationDb } from './store/database.js';

/** The doors and jobs of the service, with these providers behind them. */
export function notificationDoors(
  context: NotificationContext,
  { mailer, pusher }: Providers,
  timing = defaultTiming,
): Doors<NotificationDb, typeof notificationContract> {
  const { uow, client, config } = context;
  const marks = createMarks(uow);
  const subscriptions = createPushSubscriptions({ uow, pusher });
  const handleDeferredEvents = createHandleDeferredEvents({ ...context, handlers: deferrable });
  const pruneInboxes = createPruneInboxes({ ...context, retention });
  const channels = [emailChannel(mailer, config.WEB_URL), pushChannel(pusher, client, config.WEB_URL)];
  return {
    http: [
      notificationRoutes({ uow, marks }),
      preferenceRoutes({ uow, client }),
      pushSubscriptionRoutes({ client, subscriptions, publicKey: pusher.publicKey }),
    ],
    commands: markCommands(marks),
    background: [
      ...channels.map((channel) => {
        const deliveries = createDeliveries({ ...context, channel, timing });
        return dispatcher({ channel, deliveries, timing });
      }),
      deferredEvents({ ...context, handleDeferredEvents, everyMs: timing.pollMs }),
      forgetter(context),
      notificationPruner({ ...context, pruneInboxes }),
    ],
  };
}
