import type { Counts, Notification } from '@warren/notification-contract';
import type { RenderedNotice } from '../domain/notices/render.js';
import { type Notification as NotificationRow, Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from './database.js';

/** The columns of `notifications n`, named as Prisma names them, so that raw rows and Prisma's have the same shape. */
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

/** The columns of `counts c`, for a row that also has a notification. */
export const countsColumns = Prisma.raw('c.unread, c.unseen, c.version AS "countsVersion"');

/** A raw row with both. */
export type CountedRow = NotificationRow & { unread: number; unseen: number; countsVersion: number };

/** A notification that was written, and its owner's counts after that. */
export interface Counted {
  userId: string;
  notification: Notification;
  counts: Counts;
}

export function toCounted({ unread, unseen, countsVersion, ...row }: CountedRow): Counted {
  return {
    userId: row.userId,
    notification: toNotification(row),
    counts: { unread, unseen, version: countsVersion },
  };
}

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

/** 1 if the notification in `row` counts as unread, else 0. An archived notification counts as neither. */
export const unreadOf = (row: string) =>
  Prisma.raw(`(${row}.read_at IS NULL AND ${row}.archived_at IS NULL)::int`);
/** 1 if the notification in `row` counts as unseen, else 0. */
export const unseenOf = (row: string) =>
  Prisma.raw(`(${row}.seen_at IS NULL AND ${row}.archived_at IS NULL)::int`);

/** A rendered notice, with the id of its future notification, a UUIDv7. */
export interface NewNotification extends RenderedNotice {
  id: string;
}

/**
 * Writes the notifications and adds them to their owners' counts, in one statement. Resolves to those that are new: a
 * notification for the same event, person and kind is written only once.
 */
export async function writeNotifications(
  db: NotificationDb,
  notifications: readonly NewNotification[],
  at: Date,
): Promise<Counted[]> {
  const given = JSON.stringify(
    notifications.map(({ id, notice: { userId, eventId, kind, values: data }, title, body }) => ({
      id,
      userId,
      eventId,
      kind: kind.kind,
      title,
      body,
      data,
    })),
  );
  const rows = await db.$queryRaw<CountedRow[]>`
    WITH n AS (
      INSERT INTO notifications (id, user_id, event_id, kind, title, body, data, created_at)
      SELECT id, "userId", "eventId", kind, title, body, data, ${at}::timestamptz
      FROM json_to_recordset(${given}::json) AS notice(
        id uuid, "userId" uuid, "eventId" text, kind text, title text, body text, data jsonb)
      ON CONFLICT (event_id, user_id, kind) DO NOTHING
      RETURNING *
    ), c AS (
      INSERT INTO counts AS c (user_id, unread, unseen, version)
      SELECT user_id, count(*), count(*), 1 FROM n GROUP BY user_id ORDER BY user_id
      ON CONFLICT (user_id) DO UPDATE SET unread = c.unread + excluded.unread,
        unseen = c.unseen + excluded.unseen, version = c.version + 1
      RETURNING *
    )
    SELECT ${notificationColumns}, ${countsColumns} FROM n JOIN c USING (user_id)`;
  return rows.map(toCounted);
}
