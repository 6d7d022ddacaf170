import type { Clock, UserContext, UserTx } from '../context.js';
import { deleteExpired, deleteExpiredSessions } from '../store/expired.js';
import { announceEnded } from './sessions.js';

type Dependencies = Pick<UserContext, 'client' | 'uow'> & { now: Clock };

/** The most sessions that one transaction ends, each with an event. */
const sessionsPerTransaction = 100;
/** The most transactions of one run. After a long downtime, many runs share the work, so other events get through. */
const mostTransactions = 50;

/**
 * Deletes expired revocations, mailed tokens, counts of attempts and sessions. It ends sessions last, since this
 * publishes events and is refused while too many events wait for the broker. The rest must not depend on that.
 */
export function createPrune({ client, uow, now }: Dependencies): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    await deleteExpired(client, now(), signal);
    let ended = sessionsPerTransaction;
    for (let n = 0; n < mostTransactions && ended === sessionsPerTransaction && !signal.aborted; n += 1)
      ended = await uow.run((tx) => endExpiredSessions(tx, now()));
  };
}

/**
 * Ends sessions that expired without a refresh, and announces them like revoked ones. Otherwise something that another
 * service keeps for a session, such as a push subscription, would outlive it.
 *
 * It locks the sessions but not their users, and waits for no lock. The deletion of a user waits until this transaction
 * has committed, and finds no session left to announce.
 */
async function endExpiredSessions(tx: UserTx, at: Date): Promise<number> {
  const expired = await deleteExpiredSessions(tx, at, sessionsPerTransaction);
  const ended = expired.map(({ id, userId, tokensEndAt }) => ({
    sessionId: id,
    userId,
    reason: 'expired' as const,
    revokedAt: at.toISOString(),
    tokensEndAt: tokensEndAt.toISOString(),
  }));
  await announceEnded(tx, ended);
  return expired.length;
}
