import type { NotificationDb } from './database.js';

/** Remembers a revoked session until all its tokens have expired. A repeat changes nothing. */
export async function rememberRevoked(
  db: NotificationDb,
  sessionId: string,
  tokensEndAt: Date,
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO revoked_sessions (id, tokens_end_at) VALUES (${sessionId}, ${tokensEndAt}::timestamptz)
    ON CONFLICT DO NOTHING`;
}

export async function isRevoked(db: NotificationDb, sessionId: string): Promise<boolean> {
  return (await db.revokedSession.count({ where: { id: sessionId } })) > 0;
}

/**
 * Forgets sessions whose last token expired over an hour ago; the hour covers differences between clocks. Resolves to
 * their number, at most `limit`.
 */
export async function forgetRevokedSessions(db: NotificationDb, limit: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM revoked_sessions WHERE id IN (
      SELECT id FROM revoked_sessions WHERE tokens_end_at < now() - interval '1 hour'
      ORDER BY tokens_end_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)`;
}
