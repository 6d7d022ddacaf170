import type { Presence } from '@warren/user-contract';
import type { UserDb } from './database.js';

/** Seconds after which a process that says nothing counts as gone. */
export const leaseSeconds = 15;

/** @returns false if the lease had run out: others may have taken the process for gone already */
export async function renewLease(db: UserDb, incarnation: string): Promise<boolean> {
  const renewed = await db.$executeRaw`
    UPDATE presence_nodes SET lease_until = now() + ${leaseSeconds}::int * interval '1 s'
    WHERE incarnation = ${incarnation}::uuid AND lease_until > now()`;
  return renewed > 0;
}

export async function openLease(db: UserDb, incarnation: string): Promise<void> {
  await db.$executeRaw`
    INSERT INTO presence_nodes (incarnation, lease_until)
    VALUES (${incarnation}::uuid, now() + ${leaseSeconds}::int * interval '1 s')
    ON CONFLICT (incarnation) DO UPDATE SET lease_until = excluded.lease_until`;
}

/** Who came to this process and who left it. Rejects if its lease is gone. */
export async function saveConnections(
  db: UserDb,
  incarnation: string,
  came: readonly string[],
  left: readonly string[],
): Promise<void> {
  await db.$executeRaw`
    WITH gone AS (
      DELETE FROM presence_connections
      WHERE incarnation = ${incarnation}::uuid AND user_id = ANY(${left}::uuid[])
    ), here AS (
      INSERT INTO presence_connections (user_id, incarnation)
      SELECT id, ${incarnation}::uuid FROM users WHERE id = ANY(${came}::uuid[])
      ON CONFLICT DO NOTHING
    )
    INSERT INTO presence_seen AS seen (user_id, seen_at)
    SELECT id, now() FROM users WHERE id = ANY(${[...came, ...left]}::uuid[]) ORDER BY id
    ON CONFLICT (user_id) DO UPDATE SET seen_at = greatest(seen.seen_at, excluded.seen_at)`;
}

/** Ends this lease and every one that has run out. @returns whose connections went with them */
export async function endLeases(db: UserDb, own?: string): Promise<string[]> {
  const rows = await db.$queryRaw<{ userId: string }[]>`
    WITH ended AS (
      DELETE FROM presence_nodes
      WHERE lease_until <= now() OR incarnation = ${own ?? null}::uuid
      RETURNING incarnation
    ), left_behind AS (
      SELECT DISTINCT c.user_id FROM presence_connections c JOIN ended USING (incarnation)
    ), seen AS (
      INSERT INTO presence_seen AS seen (user_id, seen_at)
      SELECT user_id, now() FROM left_behind JOIN users ON users.id = user_id ORDER BY user_id
      ON CONFLICT (user_id) DO UPDATE SET seen_at = greatest(seen.seen_at, excluded.seen_at)
    )
    SELECT user_id AS "userId" FROM left_behind`;
  return rows.map(({ userId }) => userId);
}

/** As it is now, for each of these people, also for those who don't exist: they are nobody's to tell apart. */
export async function readPresences(db: UserDb, userIds: readonly string[]): Promise<Presence[]> {
  const rows = await db.$queryRaw<{ userId: string; online: boolean; seenAt: Date | null }[]>`
    SELECT person.id AS "userId", seen.seen_at AS "seenAt", EXISTS (
      SELECT FROM presence_connections c JOIN presence_nodes n USING (incarnation)
      WHERE c.user_id = person.id AND n.lease_until > now()
    ) AS online
    FROM unnest(${userIds}::uuid[]) AS person (id) LEFT JOIN presence_seen seen ON seen.user_id = person.id`;
  return rows.map(({ userId, online, seenAt }) => ({
    userId,
    online,
    lastSeenAt: online ? null : (seenAt?.toISOString() ?? null),
  }));
}
