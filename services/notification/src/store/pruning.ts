import type { Counts } from '@warren/notification-contract';
import type { NotificationDb } from './database.js';
import { unreadOf, unseenOf } from './notifications.js';

/** The place of an inbox in the order in which inboxes are due. */
export interface DueInbox {
  /** A timestamp as PostgreSQL writes it, which may be `-infinity`. */
  dueAt: string;
  userId: string;
}

export const beforeAllDue: DueInbox = { dueAt: '-infinity', userId: '00000000-0000-0000-0000-000000000000' };

/** The inboxes that are due at `now`, in order, beginning behind `after`: at most `limit`. */
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
  /** The version of its counts when it was inspected. */
  version: number;
  /** The id of the newest notification that exceeds the limits; null if none does. */
  upTo: string | null;
  /** The id of the oldest notification; null if the inbox is empty. */
  oldest: string | null;
  /** How many more notifications fit before there are too many. */
  room: number;
}

/**
 * The inboxes of these people. The limits are the newest `most` notifications, and none with an id below `oldestId`.
 */
export async function inspectInboxes(
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
 * Notes when each of these inboxes is due next; an empty inbox has `dueAt: null`. An inbox that changed since it was
 * inspected stays due. So does an inbox whose counts are locked: this doesn't wait for locks.
 */
export async function scheduleInboxes(
  db: NotificationDb,
  inboxes: readonly (Pick<Inbox, 'userId' | 'version' | 'room'> & { dueAt: Date | null })[],
): Promise<void> {
  await db.$executeRaw`
    WITH inspected AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(inboxes)}::json)
        AS inbox("userId" uuid, version int, room int, "dueAt" timestamptz)
    ), free AS MATERIALIZED (
      SELECT user_id FROM counts WHERE user_id = ANY(${inboxes.map(({ userId }) => userId)}::uuid[])
      FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE counts c SET due_at = l."dueAt", room = l.room FROM inspected l JOIN free ON free.user_id = l."userId"
    WHERE c.user_id = l."userId" AND c.version = l.version`;
}

export interface Pruned {
  rows: number;
  /** The id of the newest notification that was deleted. */
  upTo: string | null;
  /** The new counts; null if nothing that was deleted was unread or unseen. */
  counts: Counts | null;
}

/** Deletes the person's oldest notifications up to and including `upTo`: at most `limit`. */
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
