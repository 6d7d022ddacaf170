import { AppError } from '@warren/contracts';
import type { NotificationContext } from '../context.js';
import type { Pusher } from '../providers/pusher.js';
import { dropSubscription, keepSubscription, type NewSubscription } from '../store/push-subscriptions.js';
import { isRevoked } from '../store/revoked-sessions.js';
import { type Caller, writeForCaller } from './caller.js';

/** Most subscriptions of one person. A new one replaces the oldest. */
const mostSubscriptions = 20;

type Dependencies = Pick<NotificationContext, 'uow'> & { pusher: Pick<Pusher, 'refusal'> };

/** Which browsers of a person get pushes. */
export interface PushSubscriptions {
  /**
   * Sends pushes to a browser until the session ends that subscribes it. Resolves to the subscription's id.
   *
   * @throws AppError `invalid-request` for an endpoint that this service doesn't send to, `forbidden` for the browser
   * of somebody else, `session-revoked` for an ended session or a deleted person
   */
  subscribe(caller: Caller, subscription: NewSubscription): Promise<string>;
  /** Sends no more pushes to the browser with this endpoint, if it is the caller's. */
  unsubscribe(caller: Caller, browser: { endpoint: string }): Promise<void>;
  /** Deletes the subscription with this id. @throws AppError `not-found` if the caller has none */
  remove(caller: Caller, id: string): Promise<void>;
}

export function createPushSubscriptions({ uow, pusher }: Dependencies): PushSubscriptions {
  const drop = ({ userId, cause }: Caller, which: { id: string } | { endpoint: string }) =>
    uow.run((tx) => dropSubscription(tx, userId, which), { users: [userId], cause });

  return {
    async subscribe(caller, subscription) {
      const code = pusher.refusal(subscription.endpoint);
      if (code !== undefined)
        throw new AppError('invalid-request', { errors: [{ pointer: '/endpoint', code }] });
      const id = await writeForCaller(uow, caller, async (tx) => {
        if (await isRevoked(tx, subscription.sessionId)) throw new AppError('session-revoked');
        return keepSubscription(tx, caller.userId, subscription, mostSubscriptions);
      });
      if (id === undefined) throw new AppError('forbidden');
      return id;
    },

    async unsubscribe(caller, { endpoint }) {
      await drop(caller, { endpoint });
    },

    async remove(caller, id) {
      if (!(await drop(caller, { id }))) throw new AppError('not-found');
    },
  };
}
