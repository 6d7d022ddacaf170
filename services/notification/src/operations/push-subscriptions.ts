import { AppError } from '@warren/contracts';
import type { NotificationUow } from '../context.js';
import { keepSubscription, type NewSubscription } from '../store/push-subscriptions.js';
import { isRevoked } from '../store/revoked-sessions.js';
import type { Caller } from './caller.js';
import { writeFor } from './living-person.js';

/** Of one person; the oldest give way. */
const mostSubscriptions = 20;

/**
 * Sends pushes to a browser, for as long as the session lives that asks for it. Resolves to the subscription's id.
 *
 * @throws AppError `forbidden` for somebody else's browser, `session-revoked` for an ended session
 */
export async function subscribe(
  uow: NotificationUow,
  caller: Caller,
  subscription: NewSubscription,
): Promise<string> {
  const id = await writeFor(uow, caller, async (tx) => {
    if (await isRevoked(tx, subscription.sessionId)) throw new AppError('session-revoked');
    return keepSubscription(tx, caller.userId, subscription, mostSubscriptions);
  });
  if (id === undefined) throw new AppError('forbidden');
  return id;
}
