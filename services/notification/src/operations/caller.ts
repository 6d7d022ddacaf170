import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import type { NotificationTx, NotificationUow } from '../context.js';
import { holdPeople } from '../store/user-copies.js';

/** The person who asks for an operation, by an HTTP request or a command. */
export interface Caller {
  userId: string;
  cause: Cause;
  /** Makes a repeat of a command return the first answer. */
  commandId?: string;
}

/**
 * Runs `work` in a transaction that writes something of the caller's own. The lock of their copy makes an erasure wait.
 * If the erasure was first, nothing is written, although the caller's token may still be valid.
 *
 * @throws AppError `session-revoked` for a deleted person
 */
export function writeForCaller<T>(
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
