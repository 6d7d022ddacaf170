import type { Revocations, SessionRevoked } from '@warren/contracts';
import type { UserTx } from '../context.js';
import type { SessionRevocation } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

/** Which of a person's sessions that are alive: all or those named, but for one if that is to go on. */
export interface WhichSessions {
  ids: 'all' | readonly string[];
  except?: string;
}

/** Milliseconds for which a session that ended is known as such; then its tokens are as unknown as any other. */
const remembered = 24 * 60 * 60_000;

export interface EndedSession {
  id: string;
  /** By then every access token that it is known to have been given has ended. */
  tokensEndAt: Date | null;
}

/** Marks them as revoked, locked in one order, and answers those that were alive. */
export async function markRevoked(
  tx: UserTx,
  userId: string,
  { ids, except }: WhichSessions,
  now: Date,
): Promise<EndedSession[]> {
  return await tx.$queryRawUnsafe<EndedSession[]>(
    `UPDATE sessions SET revoked_at = $2::timestamptz, expires_at = LEAST(expires_at, $5::timestamptz)
    WHERE id IN (
      SELECT id FROM sessions
      WHERE user_id = $1::uuid AND revoked_at IS NULL AND expires_at > $2::timestamptz
        AND ($3::uuid[] IS NULL OR id = ANY ($3::uuid[])) AND id IS DISTINCT FROM $4::uuid
      ORDER BY id FOR UPDATE
    ) RETURNING id::text, tokens_end_at AS "tokensEndAt"`,
    userId,
    now.toISOString(),
    ids === 'all' ? null : ids,
    except ?? null,
    new Date(now.getTime() + remembered).toISOString(),
  );
}

export async function insertRevocations(tx: UserTx, revoked: readonly SessionRevoked[]): Promise<void> {
  await tx.sessionRevocation.createMany({ data: [...revoked] });
}

/** Most revocations of an answer without pages: those that stay in force for longest, which are the newest. */
const mostAtOnce = 20_000;

/**
 * Sessions that ended before their time and of which somebody may still hold an access token: all of them up to 20,000,
 * or those that ended from `since` on. For builds of the release before, which don't read pages.
 */
export async function recentRevocations(db: UserDb, now = new Date(), since?: Date): Promise<Revocations> {
  const rows = await db.sessionRevocation.findMany({
    where: { tokensEndAt: { gt: now }, ...(since && { revokedAt: { gte: since } }) },
    orderBy: { tokensEndAt: 'desc' },
    take: mostAtOnce,
  });
  return { revocations: rows.reverse().map(toRevoked) };
}

export type RevocationRow = Omit<SessionRevocation, 'writtenBy'>;

export function toRevoked(row: RevocationRow): SessionRevoked {
  const { sessionId, userId, reason, revokedAt, tokensEndAt } = row;
  return {
    sessionId,
    userId,
    reason: reason as SessionRevoked['reason'],
    revokedAt: revokedAt.toISOString(),
    tokensEndAt: tokensEndAt.toISOString(),
  };
}
