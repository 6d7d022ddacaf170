import type { Notice } from '../domain/notices.js';
import { writeNotices } from '../store/changes.js';
import type { NotificationTx } from '../store/database.js';

/** Writes the notices, and tells of each: its owner by the feed, other services by an event. */
export async function notify(tx: NotificationTx, notices: readonly Notice[]): Promise<void> {
  if (notices.length === 0) return;
  for (const { userId, notification, counts } of await writeNotices(tx, notices, new Date())) {
    tx.feed(userId, { type: 'notification.created', data: { notification, counts } });
    tx.publish({
      type: 'notification.created',
      subject: notification.id,
      version: notification.version,
      data: { userId, notification },
    });
  }
}
