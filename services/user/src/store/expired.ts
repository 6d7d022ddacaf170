import type { UserDb } from './database.js';

/** Rows that one statement removes at most, so that none holds locks for long. */
const batch = 500;

/** What is over: the table, and what its rows are known by. */
const kinds = [
  { table: 'sessions', key: 'id', until: 'expires_at' },
  { table: 'session_revocations', key: 'session_id', until: 'tokens_end_at' },
  { table: 'password_resets', key: 'user_id', until: 'expires_at' },
  { table: 'email_verifications', key: 'user_id', until: 'expires_at' },
  { table: 'attempts', key: 'key', until: 'forget_at' },
] as const;

/** Removes what is over, a little at a time. Rows that somebody works on are left for the next time. */
export async function deleteExpired(db: UserDb, now: Date, signal: AbortSignal): Promise<void> {
  for (const { table, key, until } of kinds) {
    const sql = `DELETE FROM ${table} WHERE ${key} = ANY (ARRAY(
      SELECT ${key} FROM ${table} WHERE ${until} <= $1::timestamptz LIMIT ${batch} FOR UPDATE SKIP LOCKED))`;
    let deleted = batch;
    while (deleted === batch && !signal.aborted) deleted = await db.$executeRawUnsafe(sql, now.toISOString());
  }
}
