import type { Counts, Notification } from '@warren/notification-contract';
import { type Notification as NotificationRow, Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from './database.js';

const noCounts: Counts = { unread: 0, unseen: 0, version: 0 };

/** The columns of `notifications n`, named as Prisma names them, so that raw rows and Prisma's are one shape. */
export const notificationColumns = Prisma.raw(
  Object.entries({
    id: 'id',
    userId: 'user_id',
    eventId: 'event_id',
    kind: 'kind',
    title: 'title',
    body: 'body',
    data: 'data',
    createdAt: 'created_at',
    seenAt: 'seen_at',
    readAt: 'read_at',
    archivedAt: 'archived_at',
    version: 'version',
  } satisfies Record<keyof NotificationRow, string>)
    .map(([name, column]) => `n.${column} AS "${name}"`)
    .join(', '),
);

export function toNotification(row: NotificationRow): Notification {
  const { id, kind, title, body, data, version } = row;
  return {
    id,
    kind,
    title,
    body,
    data: data as Record<string, unknown>,
    createdAt: row.createdAt.toISOString(),
    ...(row.seenAt && { seenAt: row.seenAt.toISOString() }),
    ...(row.readAt && { readAt: row.readAt.toISOString() }),
    ...(row.archivedAt && { archivedAt: row.archivedAt.toISOString() }),
    version,
  };
}

export type InboxState = 'unread' | 'all' | 'archived';

const inbox: Readonly<Record<InboxState, Prisma.NotificationWhereInput>> = {
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
    where: { userId, ...inbox[state], ...(before !== undefined && { id: { lt: before } }) },
    orderBy: { id: 'desc' },
    take: limit,
  });
  return rows.map(toNotification);
}

export async function countsOf(db: NotificationDb, userId: string): Promise<Counts> {
  const row = await db.counts.findUnique({
    where: { userId },
    select: { unread: true, unseen: true, version: true },
  });
  return row ?? noCounts;
}

/** `undefined` also for somebody else's. */
export async function findNotification(
  db: NotificationDb,
  userId: string,
  id: string,
): Promise<Notification | undefined> {
  const row = await db.notification.findFirst({ where: { id, userId } });
  return row === null ? undefined : toNotification(row);
}
