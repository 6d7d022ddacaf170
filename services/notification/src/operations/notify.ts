import { v7 as uuidv7 } from 'uuid';
import type { NotificationTx } from '../context.js';
import { moreNotifications } from '../domain/notices/account-kinds.js';
import { outsideChannels } from '../domain/notices/kind.js';
import type { Notice } from '../domain/notices/notice.js';
import { contentFor, mailSummary, renderNotices } from '../domain/notices/render.js';
import type { Person } from '../domain/people.js';
import { worthTellingMs } from '../domain/retries.js';
import { writeDeliveries } from '../store/deliveries.js';
import { type NewNotification, writeNotifications } from '../store/notifications.js';

/**
 * Writes a notification for each notice, and a delivery for each channel that its reader wants. The reader hears of the
 * notification by a feed entry, other services by an event. A notice that was written before changes nothing, and
 * neither does one for a deleted person.
 *
 * @param people the locked copies of all readers and of everybody whom a notice names
 * @throws UnknownPersonError, before it writes anything, if one of these copies is missing
 */
export async function notify(
  tx: NotificationTx,
  notices: readonly Notice[],
  people: readonly Person[],
): Promise<void> {
  const rendered = renderNotices(notices, people).map((each) => ({ id: uuidv7(), ...each }));
  if (rendered.length === 0) return;
  const at = new Date();
  const written = await writeNotifications(tx, rendered, at);
  for (const { userId, notification, counts } of written) {
    tx.feed(userId, { type: 'notification.created', data: { notification, counts } });
    tx.publish({
      type: 'notification.created',
      subject: notification.id,
      version: notification.version,
      data: { userId, notification },
      about: userId,
    });
  }
  const fresh = new Set(written.map(({ notification }) => notification.id));
  await deliver(
    tx,
    rendered.filter(({ id }) => fresh.has(id)),
    at,
  );
}

async function deliver(tx: NotificationTx, rendered: readonly NewNotification[], at: Date): Promise<void> {
  if (rendered.length === 0) return;
  const deliverables = rendered.flatMap((each) => {
    const { userId, eventId, kind } = each.notice;
    const about = { userId, eventId, kind: kind.kind, locked: kind.locked };
    return outsideChannels.map((channel) => ({
      ...about,
      channel,
      enabled: kind.channels[channel],
      content: contentFor(each, channel),
      summary: mailSummary(each.email.language),
    }));
  });
  const giveUpAt = new Date(at.getTime() + worthTellingMs);
  await writeDeliveries(tx, deliverables, { at, giveUpAt, summaryKind: moreNotifications.kind });
}
