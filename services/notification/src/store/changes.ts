import type { Counts } from '@warren/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { Notice } from '../domain/notices.js';
import { type Notification as NotificationRow, Prisma } from '../generated/prisma/client.js';
import type { NotificationDb } from './database.js';
import { type Counted, notificationColumns, toNotification } from './notifications.js';

type CountedRow = NotificationRow & { unread: number; unseen: number; countsVersion: number };

/** The counts beside a notification, in a raw answer. */
const countsColumns = Prisma.raw('c.unread, c.unseen, c.version AS "countsVersion"');

/**
 * Writes the notices and adds them to their owners' counts, in one statement. One that was written before, by the
 * same event for the same person and of the same kind, is left out.
 */
export async function writeNotices(
  db: NotificationDb,
  notices: readonly Notice[],
  at: Date,
): Promise<Counted[]> {
  const given = JSON.stringify(notices.map((notice) => ({ id: uuidv7(), ...notice })));
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

/** `undefined` if there is no such unread notification of this person: read already, or none of theirs. */
export async function setRead(
  db: NotificationDb,
  userId: string,
  id: string,
  at: Date,
): Promise<Counted | undefined> {
  const [row] = await db.$queryRaw<CountedRow[]>`
    WITH target AS (
      SELECT id, (archived_at IS NULL)::int AS unread, (archived_at IS NULL AND seen_at IS NULL)::int AS unseen
      FROM notifications WHERE id = ${id}::uuid AND user_id = ${userId}::uuid AND read_at IS NULL
      FOR UPDATE
    ), n AS (
      UPDATE notifications n SET read_at = ${at}::timestamptz, seen_at = coalesce(n.seen_at, ${at}::timestamptz),
        version = n.version + 1
      FROM target WHERE n.id = target.id RETURNING n.*
    ), c AS (
      UPDATE counts c SET unread = c.unread - target.unread, unseen = c.unseen - target.unseen,
        version = c.version + 1
      FROM target WHERE c.user_id = ${userId}::uuid RETURNING c.*
    )
    SELECT ${notificationColumns}, ${countsColumns} FROM n CROSS JOIN c`;
  return row && toCounted(row);
}

export interface AllRead {
  /** The newest notification that this changed. */
  upTo: string;
  counts: Counts;
}

/** `undefined` if nothing was unread. Counts go down by what was changed, whatever arrives meanwhile. */
export async function setAllRead(db: NotificationDb, userId: string, at: Date): Promise<AllRead | undefined> {
  const [row] = await db.$queryRaw<(Counts & { upTo: string })[]>`
    WITH target AS (
      SELECT id, (seen_at IS NULL)::int AS unseen FROM notifications
      WHERE user_id = ${userId}::uuid AND read_at IS NULL AND archived_at IS NULL
      ORDER BY id FOR UPDATE
    ), n AS (
      UPDATE notifications n SET read_at = ${at}::timestamptz, seen_at = coalesce(n.seen_at, ${at}::timestamptz),
        version = n.version + 1
      FROM target WHERE n.id = target.id
    ), c AS (
      UPDATE counts c SET unread = c.unread - changed.unread, unseen = c.unseen - changed.unseen,
        version = c.version + 1
      FROM (SELECT count(*)::int AS unread, coalesce(sum(unseen), 0)::int AS unseen FROM target) AS changed
      WHERE c.user_id = ${userId}::uuid AND changed.unread > 0
      RETURNING c.*
    )
    SELECT (SELECT id::text FROM target ORDER BY id DESC LIMIT 1) AS "upTo", c.unread, c.unseen, c.version FROM c`;
  if (row === undefined) return undefined;
  const { upTo, ...counts } = row;
  return { upTo, counts };
}

function toCounted({ unread, unseen, countsVersion, ...row }: CountedRow): Counted {
  return {
    userId: row.userId,
    notification: toNotification(row),
    counts: { unread, unseen, version: countsVersion },
  };
}
