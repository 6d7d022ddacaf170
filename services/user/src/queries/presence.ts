import type { Presence } from '@warren/user-contract';
import type { UserDb } from '../store/database.js';

/** The current presence of each of these users. An id without a user is offline and was never seen. */
export async function readPresences(db: UserDb, userIds: readonly string[]): Promise<Presence[]> {
  const rows = await db.$queryRaw<{ userId: string; online: boolean; seenAt: Date | null }[]>`
    SELECT asked.id AS "userId", seen.seen_at AS "seenAt", EXISTS (
      SELECT FROM presence_connections c JOIN presence_nodes n USING (incarnation)
      WHERE c.user_id = asked.id AND n.lease_until > now()
    ) AS online
    FROM unnest(${userIds}::uuid[]) AS asked (id) LEFT JOIN presence_seen seen ON seen.user_id = asked.id`;
  return rows.map(({ userId, online, seenAt }) => ({
    userId,
    online,
    lastSeenAt: online ? null : (seenAt?.toISOString() ?? null),
  }));
}
