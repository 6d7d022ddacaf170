import type { Counts } from '@warren/contracts';
import { unreadOf, unseenOf } from './counted.js';
import type { NotificationDb } from './database.js';

export interface Inbox {
  userId: string;
  /** The newest notification that is not kept; null where all are. */
  upTo: string | null;
}

/** Inboxes of people above `after`, in their order, at most `limit`: what is beyond `most` or older than `oldestId`. */
export async function inboxesToPrune(
  db: NotificationDb,
  { after, limit, most, oldestId }: { after: string; limit: number; most: number; oldestId: string },
): Promise<Inbox[]> {
  return db.$queryRaw<Inbox[]>`
    SELECT c.user_id AS "userId", greatest(
      (SELECT n.id FROM notifications n WHERE n.user_id = c.user_id
        ORDER BY n.id DESC OFFSET ${most}::int LIMIT 1),
      (SELECT n.id FROM notifications n WHERE n.user_id = c.user_id AND n.id < ${oldestId}::uuid
        ORDER BY n.id DESC LIMIT 1)) AS "upTo"
    FROM (SELECT user_id FROM counts WHERE user_id > ${after}::uuid ORDER BY user_id LIMIT ${limit}::int) c
    ORDER BY c.user_id`;
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
