import type { Counts } from '@warren/notification-contract';
import { unreadOf, unseenOf } from './counted.js';
import type { NotificationDb } from './database.js';

/** An inbox, by its place in the order in which inboxes are due. */
export interface DueInbox {
  /** A timestamp as PostgreSQL writes it, which may be `-infinity`. */
  dueAt: string;
  userId: string;
}

export const beforeAllDue: DueInbox = { dueAt: '-infinity', userId: '00000000-0000-0000-0000-000000000000' };

/** At most `limit` inboxes that are due at `now`, in their order, from behind `after`. */
export async function inboxesDue(
  db: NotificationDb,
  { after, now, limit }: { after: DueInbox; now: Date; limit: number },
): Promise<DueInbox[]> {
  return db.$queryRaw<DueInbox[]>`
    SELECT due_at::text AS "dueAt", user_id AS "userId" FROM counts
    WHERE due_at <= ${now}::timestamptz AND (due_at, user_id) > (${after.dueAt}::timestamptz, ${after.userId}::uuid)
    ORDER BY due_at, user_id LIMIT ${limit}::int`;
}

export interface Inbox {
  userId: string;
  /** The version of its counts when it was looked at. */
  version: number;
  /** The id of the newest notification that is to go; null where all are kept. */
  upTo: string | null;
  /** The id of the oldest notification; null where there is none. */
  oldest: string | null;
  /** How many notifications more it may get before there are too many. */
  room: number;
}

/** What these people's inboxes hold, and which of it is to go: what is beyond the newest `most`, or older than `oldestId`. */
export async function lookAtInboxes(
  db: NotificationDb,
  users: readonly string[],
  { most, oldestId }: { most: number; oldestId: string },
): Promise<Inbox[]> {
  return db.$queryRaw<Inbox[]>`
    SELECT c.user_id AS "userId", c.version, greatest(
      (SELECT n.id FROM notifications n WHERE n.user_id = c.user_id
        ORDER BY n.id DESC OFFSET ${most}::int LIMIT 1),
      (SELECT n.id FROM notifications n WHERE n.user_id = c.user_id AND n.id < ${oldestId}::uuid
        ORDER BY n.id DESC LIMIT 1)) AS "upTo",
      (SELECT n.id FROM notifications n WHERE n.user_id = c.user_id ORDER BY n.id LIMIT 1) AS oldest,
      ${most}::int - (SELECT count(*) FROM (
        SELECT FROM notifications n WHERE n.user_id = c.user_id LIMIT ${most}::int) kept)::int AS room
    FROM counts c WHERE c.user_id = ANY(${users}::uuid[])`;
}

/**
 * Notes when each of these inboxes is due next; `dueAt: null` for an empty one. An inbox that changed since it was looked at
 * stays due, and so does one whose counts somebody has locked: nobody waits for the lock.
 */
export async function scheduleInboxes(
  db: NotificationDb,
  inboxes: readonly (Pick<Inbox, 'userId' | 'version' | 'room'> & { dueAt: Date | null })[],
): Promise<void> {
  await db.$executeRaw`
    WITH looked AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(inboxes)}::json)
        AS inbox("userId" uuid, version int, room int, "dueAt" timestamptz)
    ), free AS MATERIALIZED (
      SELECT user_id FROM counts WHERE user_id = ANY(${inboxes.map(({ userId }) => userId)}::uuid[])
      FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE counts c SET due_at = l."dueAt", room = l.room FROM looked l JOIN free ON free.user_id = l."userId"
    WHERE c.user_id = l."userId" AND c.version = l.version`;
}

export interface Pruned {
  rows: number;
  /** The newest that went. */
  upTo: string | null;
  /** Null where they stay as they were: nothing of it was unread or unseen. */
  counts: Counts | null;
}

/** Deletes this person's oldest notifications up to `upTo`, at most `limit`. */
export async function pruneNotifications(
  db: NotificationDb,
  userId: string,
  { upTo, limit }: { upTo: string; limit: number },
): Promise<Pruned> {
  const [pruned] = await db.$queryRaw<Pruned[]>`
    WITH old AS (
      SELECT id FROM notifications n WHERE n.user_id = ${userId}::uuid AND n.id <= ${upTo}::uuid
      ORDER BY n.id LIMIT ${limit}::int FOR UPDATE
    ), n AS (
      DELETE FROM notifications n USING old WHERE n.id = old.id RETURNING n.*
    ), gone AS (
      SELECT count(*)::int AS rows, max(n.id::text) AS "upTo", coalesce(sum(${unreadOf('n')}), 0)::int AS unread,
        coalesce(sum(${unseenOf('n')}), 0)::int AS unseen
      FROM n
    ), c AS (
      UPDATE counts c SET unread = c.unread - gone.unread, unseen = c.unseen - gone.unseen, version = c.version + 1
      FROM gone WHERE c.user_id = ${userId}::uuid AND gone.unread + gone.unseen > 0
      RETURNING c.*
    )
    SELECT gone.rows, gone."upTo", CASE WHEN c.user_id IS NOT NULL THEN
      json_build_object('unread', c.unread, 'unseen', c.unseen, 'version', c.version) END AS counts
    FROM gone LEFT JOIN c ON true`;
  return pruned ?? { rows: 0, upTo: null, counts: null };
}
