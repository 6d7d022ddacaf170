import type { DomainEvent, SessionRevoked } from '@warren/contracts';
import type { NotificationTx } from '../context.js';
import { dropSubscriptionsOfSession } from '../store/push-subscriptions.js';
import { rememberRevoked } from '../store/revoked-sessions.js';

/**
 * Drops the push subscriptions of a session that has ended, so that somebody who stole it gets no more pushes. Also
 * remembers the session, since its tokens may stay valid for a while: it can't subscribe again. The lock of the person
 * puts this before or after a subscription that is being made.
 */
export async function endSession(
  tx: NotificationTx,
  { data }: DomainEvent<string, SessionRevoked>,
): Promise<void> {
  const { sessionId, userId, tokensEndAt, reason } = data;
  await rememberRevoked(tx, sessionId, new Date(tokensEndAt));
  // A session that expired says nothing about subscriptions whose session is unknown.
  await dropSubscriptionsOfSession(tx, { userId, sessionId, orOfNone: reason !== 'expired' });
}
