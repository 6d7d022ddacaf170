import type { UserDb } from './database.js';

/** The most rows that one statement deletes, so that no statement holds locks for long. */
const batch = 500;

/**
 * The tables with their key, and the condition for an expired row. Expired sessions that were not revoked stay, since
 * other services must be informed first: see `deleteExpiredSessions`.
 */
const kinds = [
  { table: 'sessions', key: 'id', until: 'expires_at', and: 'AND revoked_at IS NOT NULL' },
  { table: 'session_revocations', key: 'session_id', until: 'tokens_end_at', and: '' },
  { table: 'password_resets', key: 'user_id', until: 'expires_at', and: '' },
  { table: 'email_verifications', key: 'user_id', until: 'expires_at', and: '' },
  { table: 'attempts', key: 'key', until: 'forget_at', and: '' },
] as const;

/**
 * Deletes expired rows in batches until none is left or `signal` aborts. Skips locked rows. Reads rows in the order of
 * an index, so the cost does not depend on the number of rows that have not expired.
 */
export async function deleteExpired(db: UserDb, now: Date, signal: AbortSignal): Promise<void> {
  for (const { table, key, until, and } of kinds) {
    const sql = `DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(
      SELECT ${key} FROM ${table} WHERE ${until} <= $1::timestamptz ${and} ORDER BY ${until}
      LIMIT ${batch} FOR UPDATE SKIP LOCKED))`;
    let deleted = batch;
    while (deleted === batch && !signal.aborted) deleted = await db.$executeRawUnsafe(sql, now.toISOString());
  }
}

export interface ExpiredSession {
  id: string;
  userId: string;
  tokensEndAt: Date;
}

/**
 * Deletes at most `limit` sessions that have expired and were not revoked, and returns them. Skips sessions that are
 * being refreshed. If the end of a session's tokens was not recorded, they ended with the session at the latest.
 */
export async function deleteExpiredSessions(db: UserDb, now: Date, limit: number): Promise<ExpiredSession[]> {
  return await db.$queryRawUnsafe<ExpiredSession[]>(
    `DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT id FROM sessions WHERE expires_at <= $1::timestamptz AND revoked_at IS NULL
      ORDER BY expires_at LIMIT $2::int FOR UPDATE SKIP LOCKED))
    RETURNING id::text, user_id::text AS "userId", COALESCE(tokens_end_at, expires_at) AS "tokensEndAt"`,
    now.toISOString(),
    limit,
  );
}
