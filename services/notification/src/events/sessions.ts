import type { DomainEvent, SessionRevoked } from '@warren/contracts';
import type { EventHandler } from '@warren/unit-of-work';
import type { NotificationDb } from '../store/database.js';
import { dropSubscriptionsOfSession } from '../store/push-subscriptions.js';
import { rememberRevoked } from '../store/revoked-sessions.js';

const revoked = ({ data }: DomainEvent) => data as SessionRevoked;

/**
 * What a session subscribed ends with it: whoever stole it hears no more. The session is remembered, since a token of
 * it may still be good here; the person's lock puts this before or after a subscription that is being made.
 */
export const sessionsEnd: EventHandler<NotificationDb> = {
  kind: 'react',
  type: 'user.session-revoked',
  users: (event) => [revoked(event).userId],
  async handle(tx, event) {
    const { sessionId, userId, tokensEndAt, reason } = revoked(event);
    await rememberRevoked(tx, sessionId, new Date(tokensEndAt));
    // One that nobody used for so long tells nothing of the others.
    await dropSubscriptionsOfSession(tx, { userId, sessionId, orOfNone: reason !== 'expired' });
  },
};
