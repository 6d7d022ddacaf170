import type { KitErrorCode } from '@warren/contracts';
import type { Clock, UserTx } from '../context.js';
import { decideRefresh } from '../domain/refresh.js';
import { latest } from '../domain/sessions.js';
import { isGenuine, type RefreshClaim } from '../security/refresh-tokens.js';
import { keepTokensEnd, lockSession, rotateSession, stateOf } from '../store/sessions.js';
import type { EndSessions } from './end-sessions.js';
import type { LiveSession } from './live-session.js';
import { alertOf } from './security-alert.js';

export type Refreshed = ({ ok: true } & LiveSession) | { ok: false; code: KitErrorCode };

export interface RefreshParts {
  endSessions: EndSessions;
  sessionEnd(now: Date): Date;
  tokensEnd(at: Date): Date;
  now: Clock;
}

/**
 * Takes a refresh token for its successor. One that comes back too late ends the whole session and has its owner
 * told; so the refusal is a result and not an error, which would roll that back.
 */
export async function refresh(
  tx: UserTx,
  claim: RefreshClaim,
  { endSessions, sessionEnd, tokensEnd, now }: RefreshParts,
): Promise<Refreshed> {
  const session = await lockSession(tx, claim.sessionId);
  if (!session || !isGenuine(claim, session.rotationKey)) return { ok: false, code: 'unauthenticated' };
  const { id, userId } = session;
  const at = now();
  const tokensEndAt = latest(tokensEnd(at), session.tokensEndAt);
  const decision = decideRefresh(stateOf(session), claim.generation, at);
  switch (decision.kind) {
    case 'revoked':
      return { ok: false, code: 'session-revoked' };
    case 'expired':
      return { ok: false, code: 'token-expired' };
    case 'too-often':
      return { ok: false, code: 'rate-limited' };
    case 'reused':
      await endSessions(tx, { userId, which: { ids: [id] }, reason: 'token-reused', now: at });
      alertOf(tx, userId, 'token-reused', at);
      return { ok: false, code: 'session-revoked' };
    case 'repeat':
      await keepTokensEnd(tx, id, tokensEndAt);
      return { ok: true, user: await owner(tx, userId), session, generation: decision.generation, at };
    case 'rotate': {
      const rotated = { rotations: decision.rotations, now: at, expiresAt: sessionEnd(at), tokensEndAt };
      const renewed = await rotateSession(tx, id, rotated);
      return {
        ok: true,
        user: await owner(tx, userId),
        session: renewed,
        generation: renewed.generation,
        at,
      };
    }
  }
}

/** The session's row is held, and a person's sessions are gone before they are. */
async function owner(tx: UserTx, id: string) {
  return await tx.user.findUniqueOrThrow({ where: { id } });
}
