import { AppError, type KitErrorCode } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import type { UserTx } from '../context.js';
import { decideRefresh, isGenuine, type RefreshClaim, readRefreshToken } from '../domain/refresh-tokens.js';
import { latest } from '../domain/sessions.js';
import type { User } from '../generated/prisma/client.js';
import { lockSession, rotateSession, saveTokensEnd, stateOf } from '../store/sessions.js';
import { findById } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import type { SignedIn } from './issue-tokens.js';
import { sendSecurityAlert } from './security-alert.js';
import { type ActiveSession, alwaysAdmitted, endSessions } from './sessions.js';

export interface RefreshRequest {
  refreshToken: string;
  cause: Cause;
}

/** A refusal is a result and not an error, since an error would roll back the end of a session with a reused token. */
type Refreshed = { active: ActiveSession } | { refusal: KitErrorCode };

/**
 * Exchanges a refresh token for its successor. A reused token ends the session, and its owner gets a security alert.
 *
 * @throws AppError `unauthenticated`, `session-revoked`, `token-expired`, `rate-limited`
 */
export function createRefresh({
  uow,
  issueTokens,
  lifetimes,
  now,
}: OperationDependencies): (request: RefreshRequest) => Promise<SignedIn> {
  return async ({ refreshToken, cause }) => {
    const claim = readRefreshToken(refreshToken);
    if (!claim) throw new AppError('unauthenticated');
    const refreshed = await uow.run((tx) => exchange(tx, claim), { ...alwaysAdmitted, cause });
    if ('refusal' in refreshed) throw new AppError(refreshed.refusal);
    return await issueTokens(refreshed.active);
  };

  async function exchange(tx: UserTx, claim: RefreshClaim): Promise<Refreshed> {
    const session = await lockSession(tx, claim.sessionId);
    if (!session || !isGenuine(claim, session.rotationKey)) return { refusal: 'unauthenticated' };
    const { id, userId } = session;
    const at = now();
    const tokensEndAt = latest(lifetimes.tokensEnd(at), session.tokensEndAt);
    const decision = decideRefresh(stateOf(session), claim.generation, at);
    switch (decision.kind) {
      case 'revoked':
        return { refusal: 'session-revoked' };
      case 'expired':
        return { refusal: 'token-expired' };
      case 'too-often':
        return { refusal: 'rate-limited' };
      case 'reused':
        await endSessions(tx, { userId, which: { ids: [id] }, reason: 'token-reused', at, lifetimes });
        sendSecurityAlert(tx, userId, 'token-reused', at);
        return { refusal: 'session-revoked' };
      case 'repeat': {
        await saveTokensEnd(tx, id, tokensEndAt);
        const user = await ownerOf(tx, userId);
        return { active: { user, session, generation: decision.generation, at } };
      }
      case 'rotate': {
        const { rotations } = decision;
        const renewal = { rotations, rotatedAt: at, expiresAt: lifetimes.sessionEnd(at), tokensEndAt };
        const rotated = await rotateSession(tx, id, renewal);
        const user = await ownerOf(tx, userId);
        return { active: { user, session: rotated, generation: rotated.generation, at } };
      }
    }
  }
}

async function ownerOf(tx: UserTx, userId: string): Promise<User> {
  const user = await findById(tx, userId);
  // The deletion of a user deletes their sessions, so it waits for the transaction that has locked this one.
  if (!user) throw new Error(`the session of the missing user ${userId} is active`);
  return user;
}
