import type { Counts, Notification } from '@warren/notification-contract';
import type { InboxState } from '../domain/inbox.js';
import type { Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from '../store/database.js';
import { toNotification } from '../store/notifications.js';

const inState: Readonly<Record<InboxState, Prisma.NotificationWhereInput>> = {
  unread: { readAt: null, archivedAt: null },
  all: { archivedAt: null },
  archived: { archivedAt: { not: null } },
};

/** The person's newest notifications in this state, older than `before`: at most `limit`. */
export async function listNotifications(
  db: NotificationDb,
  userId: string,
  { state, limit, before }: { state: InboxState; limit: number; before?: string },
): Promise<Notification[]> {
  const rows = await db.notification.findMany({
    where: { userId, ...inState[state], ...(before !== undefined && { id: { lt: before } }) },
    orderBy: { id: 'desc' },
    take: limit,
  });
  return rows.map(toNotification);
}

/** `undefined` if this person has no such notification. */
export async function findNotification(
  db: NotificationDb,
  userId: string,
  id: string,
): Promise<Notification | undefined> {
  const row = await db.notification.findFirst({ where: { id, userId } });
  return row === null ? undefined : toNotification(row);
}

/** Version 0 if the person has never had a notification. */
export async function countsOf(db: NotificationDb, userId: string): Promise<Counts> {
  const row = await db.counts.findUnique({
    where: { userId },
    select: { unread: true, unseen: true, version: true },
  });
  return row ?? { unread: 0, unseen: 0, version: 0 };
}
