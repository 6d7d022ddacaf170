import type { Session } from '../generated/prisma/client.js';
import type { UserDb } from '../store/database.js';
import { activeSessions } from '../store/sessions.js';

export interface SessionPage {
  now: Date;
  limit: number;
  /** The id of the last session of the previous page. */
  before?: string | undefined;
}

/** A page of the user's active sessions, newest first. Empty if `before` is no session of this user. */
export async function listSessions(
  db: UserDb,
  userId: string,
  { now, limit, before }: SessionPage,
): Promise<Session[]> {
  const last =
    before === undefined ? undefined : await db.session.findFirst({ where: { id: before, userId } });
  if (last === null) return [];
  return await db.session.findMany({
    where: {
      ...activeSessions(userId, now),
      ...(last && {
        OR: [{ createdAt: { lt: last.createdAt } }, { createdAt: last.createdAt, id: { lt: last.id } }],
      }),
    },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit,
  });
}
