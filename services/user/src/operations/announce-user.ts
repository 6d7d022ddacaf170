import type { User } from '@warren/user-contract';
import type { UserTx } from '../context.js';

/** Tells other services of a new user, in the transaction that adds them. */
export function announceRegistration(tx: UserTx, user: User): void {
  const { id, version } = user;
  tx.publish({ type: 'user.registered', subject: id, version, data: user, about: id });
}

/** Tells other services and the user's own browsers of a change, in the transaction that makes it. */
export function announceUpdate(tx: UserTx, user: User): void {
  const { id, version } = user;
  tx.publish({ type: 'user.updated', subject: id, version, data: user, about: id });
  tx.feed(id, { type: 'user.updated', data: user });
}
