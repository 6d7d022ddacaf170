import { react } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { dropSubscriptionsOfSession } from '../store/push-subscriptions.js';
import { rememberRevoked } from '../store/revoked-sessions.js';

/**
 * What a session subscribed ends with it: whoever stole it hears no more. The session is remembered, since a token of
 * it may still be good here; the person's lock puts this before or after a subscription that is being made.
 */
export const sessionsEnd = react(userContract, 'user.session-revoked', {
  users: ({ data }) => [data.userId],
  async handle(tx: NotificationTx, { data }) {
    const { sessionId, userId, tokensEndAt, reason } = data;
    await rememberRevoked(tx, sessionId, new Date(tokensEndAt));
    // One that nobody used for so long tells nothing of the others.
    await dropSubscriptionsOfSession(tx, { userId, sessionId, orOfNone: reason !== 'expired' });
  },
});
