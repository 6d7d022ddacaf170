import type { UserDb } from './database.js';

/** Rows that one statement removes at most, so that none holds locks for long. */
const batch = 500;

/** What is over: the table, and what its rows are known by. Sessions that ran out are left: others are told first. */
const kinds = [
  { table: 'sessions', key: 'id', until: 'expires_at', and: 'AND revoked_at IS NOT NULL' },
  { table: 'session_revocations', key: 'session_id', until: 'tokens_end_at', and: '' },
  { table: 'password_resets', key: 'user_id', until: 'expires_at', and: '' },
  { table: 'email_verifications', key: 'user_id', until: 'expires_at', and: '' },
  { table: 'attempts', key: 'key', until: 'forget_at', and: '' },
] as const;

/**
 * Removes what is over, a batch at a time, until `signal` aborts. Rows that somebody has locked are left for the next
 * time. Rows are found in the order of an index, so that those that aren't over aren't read, however many there are.
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

export interface RunOutSession {
  id: string;
  userId: string;
  tokensEndAt: Date;
}

/**
 * Takes away sessions that ran out and weren't ended, and answers them. One that is being refreshed is left to that;
 * where nobody wrote down when the tokens end, none has outlived the session.
 */
export async function deleteRunOut(db: UserDb, now: Date, limit: number): Promise<RunOutSession[]> {
  return await db.$queryRawUnsafe<RunOutSession[]>(
    `DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT id FROM sessions WHERE expires_at <= $1::timestamptz AND revoked_at IS NULL
      ORDER BY expires_at LIMIT $2::int FOR UPDATE SKIP LOCKED))
    RETURNING id::text, user_id::text AS "userId", COALESCE(tokens_end_at, expires_at) AS "tokensEndAt"`,
    now.toISOString(),
    limit,
  );
}
