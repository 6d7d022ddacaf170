import type { RevocationReason, SessionRevoked } from '@warren/contracts';
import type { UserTx } from '../context.js';
import { latest } from '../domain/sessions.js';
import { insertRevocations, markRevoked, type WhichSessions } from '../store/revocations.js';

export interface SessionsEnd {
  userId: string;
  which: WhichSessions;
  reason: RevocationReason;
  now: Date;
}

/** Ends sessions, and answers how many were alive. */
export type EndSessions = (tx: UserTx, end: SessionsEnd) => Promise<number>;

/**
 * The one way in which sessions end before their time, whatever the reason. Everybody who takes access tokens is told
 * in the same transaction, until when its tokens may be about: also those of an instance that lets them live longer.
 * `tokensEnd`: when one that is given at this time will have ended.
 */
export function createEndSessions(tokensEnd: (at: Date) => Date): EndSessions {
  return async (tx, { userId, which, reason, now }) => {
    const ended = await markRevoked(tx, userId, which, now);
    const about = { userId, reason, revokedAt: now.toISOString() };
    const revoked = ended.map(({ id: sessionId, tokensEndAt }) => ({
      sessionId,
      ...about,
      tokensEndAt: latest(tokensEnd(now), tokensEndAt).toISOString(),
    }));
    await tellEnded(tx, revoked);
    return ended.length;
  };
}

/** Tells everybody. Only those whose tokens may still be about are listed: of others there is nothing to refuse. */
export async function tellEnded(tx: UserTx, revoked: readonly SessionRevoked[]): Promise<void> {
  const listed = revoked.filter(
    ({ revokedAt, tokensEndAt }) => Date.parse(tokensEndAt) > Date.parse(revokedAt),
  );
  await insertRevocations(tx, listed);
  for (const data of revoked) {
    tx.publish({ type: 'user.session-revoked', subject: data.sessionId, version: 1, data });
  }
}
