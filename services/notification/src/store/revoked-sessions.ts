import type { NotificationDb } from './database.js';

/** Remembers that a session ended, as long as somebody may hold a token of it; twice is as good as once. */
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

/** Those whose last token ended an hour ago, whatever clocks say; resolves to how many, at most `limit`. */
export async function forgetRevokedSessions(db: NotificationDb, limit: number): Promise<number> {
  return db.$executeRaw`
    DELETE FROM revoked_sessions WHERE id IN (
      SELECT id FROM revoked_sessions WHERE tokens_end_at < now() - interval '1 hour'
      ORDER BY tokens_end_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)`;
}
