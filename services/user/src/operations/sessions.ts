import type { RevocationReason, SessionRevoked } from '@warren/contracts';
import type { UserTx } from '../context.js';
import { type Lifetimes, latest, type SessionOrigin } from '../domain/sessions.js';
import type { Session, User } from '../generated/prisma/client.js';
import { insertRevocations } from '../store/revocations.js';
import { insertSession, revokeSessions, type SessionSelection, surplusSessions } from '../store/sessions.js';

/** A session that was just opened, or found to be active. */
export interface ActiveSession {
  user: User;
  session: Session;
  /** The number of the refresh token to issue. */
  generation: number;
  /** When the session was opened or found to be active. */
  at: Date;
}

/**
 * Options of transactions that open or end sessions. They run even while other work is refused because too many events
 * wait for the broker. During an outage, users must still get in, and thieves must still be locked out. These
 * transactions publish few events, and the rate limits of their routes bound them.
 */
export const alwaysAdmitted = { admit: false } as const;

/**
 * Opens a session. If the user has too many, it ends the one that was used longest ago. The caller has locked the user.
 */
export async function openSession(
  tx: UserTx,
  user: User,
  { origin, at, lifetimes }: { origin: SessionOrigin; at: Date; lifetimes: Lifetimes },
): Promise<ActiveSession> {
  const ids = await surplusSessions(tx, user.id, at);
  if (ids.length > 0)
    await endSessions(tx, { userId: user.id, which: { ids }, reason: 'revoked', at, lifetimes });
  const session = await insertSession(tx, {
    userId: user.id,
    origin,
    createdAt: at,
    expiresAt: lifetimes.sessionEnd(at),
    tokensEndAt: lifetimes.tokensEnd(at),
  });
  return { user, session, generation: session.generation, at };
}

/**
 * Ends the selected active sessions of a user, for whatever reason, and announces this in the same transaction. The
 * announcement says when the last access token expires, even if another instance issued it with a longer lifetime.
 *
 * Resolves to the number of sessions that it ended.
 */
export async function endSessions(
  tx: UserTx,
  {
    userId,
    which,
    reason,
    at,
    lifetimes,
  }: { userId: string; which: SessionSelection; reason: RevocationReason; at: Date; lifetimes: Lifetimes },
): Promise<number> {
  const ended = await revokeSessions(tx, userId, which, at);
  const revoked = ended.map(({ id, tokensEndAt }) => ({
    sessionId: id,
    userId,
    reason,
    revokedAt: at.toISOString(),
    tokensEndAt: latest(lifetimes.tokensEnd(at), tokensEndAt).toISOString(),
  }));
  await announceEnded(tx, revoked);
  return ended.length;
}

/**
 * Tells all services that these sessions have ended. The list of revocations gets only sessions whose access tokens may
 * still be valid, since for others there is nothing to refuse.
 */
export async function announceEnded(tx: UserTx, revoked: readonly SessionRevoked[]): Promise<void> {
  const listed = revoked.filter(
    ({ revokedAt, tokensEndAt }) => Date.parse(tokensEndAt) > Date.parse(revokedAt),
  );
  await insertRevocations(tx, listed);
  for (const data of revoked) {
    tx.publish({ type: 'user.session-revoked', subject: data.sessionId, version: 1, data });
  }
}
