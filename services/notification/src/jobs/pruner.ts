import { type Background, rounds } from '@warren/service-kit';
import type { NotificationContext } from '../context.js';

const everyMs = 3_600_000;

type Dependencies = Pick<NotificationContext, 'log' | 'withLease'> & {
  pruneInboxes(signal: AbortSignal): Promise<boolean>;
};

/** Prunes inboxes, one instance at a time. */
export function notificationPruner({ log, withLease, pruneInboxes }: Dependencies): Background {
  const round = async (signal: AbortSignal) =>
    (await withLease('notification-pruner', () => pruneInboxes(signal))) ?? false;
  return rounds({ name: 'notification-pruner', everyMs, log, round });
}
