import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import { forgetAttempts } from '../store/attempts.js';
import { deleteUser, findById, lockUser } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import { endSessions } from './sessions.js';

export interface DeleteAccountRequest {
  userId: string;
  network: string;
  password: string;
  cause: Cause;
}

/**
 * Replaces the user by a tombstone, ends all sessions, and tells all services. Mailed tokens are deleted with the user.
 * The counts of mails stay. Otherwise an attacker could register, delete and register again to send more mails.
 *
 * @throws AppError `session-revoked` if the account was deleted already; as `VerifyPassword`
 */
export function createDeleteAccount({
  client,
  uow,
  verifyPassword,
  attemptKeys,
  lifetimes,
  now,
}: OperationDependencies): (request: DeleteAccountRequest) => Promise<void> {
  return async ({ userId, network, password, cause }) => {
    const found = await findById(client, userId);
    if (!found) throw new AppError('session-revoked');
    const { email, passwordHash } = found;
    await verifyPassword({ email, network, password, passwordHash });
    await uow.run(
      async (tx) => {
        const user = await lockUser(tx, userId);
        if (!user) throw new AppError('session-revoked');
        if (user.passwordHash !== passwordHash) throw userError('wrong-credentials');
        const which = { ids: 'all' } as const;
        await endSessions(tx, { userId, which, reason: 'account-deleted', at: now(), lifetimes });
        const tombstone = { id: userId, version: user.version + 1 };
        await deleteUser(tx, tombstone);
        await forgetAttempts(tx, [attemptKeys.guessesAtAccount(email)]);
        tx.erase(userId);
        const { version } = tombstone;
        tx.publish({ type: 'user.deleted', subject: userId, version, data: tombstone });
      },
      { users: [userId], cause },
    );
  };
}
