import type { UserDb } from './database.js';

/** After this many seconds without a renewal, a process counts as dead. */
export const leaseSeconds = 15;

/** Resolves to false if the lease had already run out. Other processes may have ended it by then. */
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

/** Saves which users connected to this process and which left it. Rejects if the process has no lease any more. */
export async function saveConnections(
  db: UserDb,
  incarnation: string,
  { joined, left }: { joined: readonly string[]; left: readonly string[] },
): Promise<void> {
  await db.$executeRaw`
    WITH gone AS (
      DELETE FROM presence_connections
      WHERE incarnation = ${incarnation}::uuid AND user_id = ANY(${left}::uuid[])
    ), here AS (
      INSERT INTO presence_connections (user_id, incarnation)
      SELECT id, ${incarnation}::uuid FROM users WHERE id = ANY(${joined}::uuid[])
      ON CONFLICT DO NOTHING
    )
    INSERT INTO presence_seen AS seen (user_id, seen_at)
    SELECT id, now() FROM users WHERE id = ANY(${[...joined, ...left]}::uuid[]) ORDER BY id
    ON CONFLICT (user_id) DO UPDATE SET seen_at = greatest(seen.seen_at, excluded.seen_at)`;
}

/** Ends all leases that have run out, and the lease `own`. Resolves to the users whose connections they held. */
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
