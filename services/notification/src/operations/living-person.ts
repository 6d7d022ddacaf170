import { AppError } from '@warren/contracts';
import type { NotificationTx, NotificationUow } from '../context.js';
import { holdPeople } from '../store/user-copies.js';
import type { Caller } from './caller.js';

/**
 * Writes something that a person keeps here. Their lock makes an erasure wait, and their copy tells whether it was
 * first: a token that outlives its account writes nothing.
 *
 * @throws AppError `session-revoked` for a deleted person
 */
export function writeFor<T>(
  uow: NotificationUow,
  { userId, cause }: Caller,
  work: (tx: NotificationTx) => Promise<T>,
): Promise<T> {
  return uow.run(
    async (tx) => {
      const [person] = await holdPeople(tx, [userId]);
      if (person?.deleted) throw new AppError('session-revoked');
      return work(tx);
    },
    { users: [userId], cause },
  );
}
