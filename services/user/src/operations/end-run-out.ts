import type { Clock, UserTx, UserUow } from '../context.js';
import { deleteRunOut } from '../store/expired.js';
import { tellEnded } from './end-sessions.js';

/** Sessions that one transaction ends, and so events that it publishes. */
const atOnce = 100;
/** What a long stop left goes out over many rounds: all others publish through the same outbox. */
const mostTurns = 50;

export interface EndRunOutParts {
  uow: UserUow;
  now: Clock;
}

/**
 * Ends sessions that nobody refreshed in time, a bounded number of them. Others are told as of any other end: what a
 * session was given elsewhere, such as a push subscription, must not outlive it.
 *
 * It holds the sessions and not their people, and waits for nobody: a deletion that comes meanwhile waits until this
 * has committed, and finds nothing left to tell.
 */
export async function endRunOut({ uow, now }: EndRunOutParts, signal: AbortSignal): Promise<void> {
  let ended = atOnce;
  for (let turn = 0; turn < mostTurns && ended === atOnce && !signal.aborted; turn += 1)
    ended = await uow.run((tx) => endSome(tx, now()));
}

async function endSome(tx: UserTx, at: Date): Promise<number> {
  const runOut = await deleteRunOut(tx, at, atOnce);
  const revoked = runOut.map(({ id: sessionId, userId, tokensEndAt }) => ({
    sessionId,
    userId,
    reason: 'expired' as const,
    revokedAt: at.toISOString(),
    tokensEndAt: tokensEndAt.toISOString(),
  }));
  await tellEnded(tx, revoked);
  return runOut.length;
}
