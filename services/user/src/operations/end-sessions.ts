import type { RevocationReason } from '@warren/contracts';
import { tokensEnd } from '../domain/sessions.js';
import type { UserTx } from '../store/database.js';
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
 * in the same transaction. `tokenLifetime`: of access tokens, in seconds.
 */
export function createEndSessions(tokenLifetime: number): EndSessions {
  return async (tx, { userId, which, reason, now }) => {
    const ids = await markRevoked(tx, userId, which, now);
    const about = {
      userId,
      reason,
      revokedAt: now.toISOString(),
      tokensEndAt: tokensEnd(now, tokenLifetime).toISOString(),
    };
    const revoked = ids.map((sessionId) => ({ sessionId, ...about }));
    await insertRevocations(tx, revoked);
    for (const data of revoked) {
      tx.publish({ type: 'user.session-revoked', subject: data.sessionId, version: 1, data });
    }
    return ids.length;
  };
}
