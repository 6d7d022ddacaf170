import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { Clock, UserUow } from '../context.js';
import type { TryKeys } from '../security/try-keys.js';
import { forgetTries } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
import { lockUser } from '../store/users.js';
import type { EndSessions } from './end-sessions.js';
import type { ProvePassword } from './prove-password.js';

export interface DeleteAccountParts {
  client: PrismaClient;
  uow: UserUow;
  provePassword: ProvePassword;
  endSessions: EndSessions;
  tryKeys: TryKeys;
  now: Clock;
}

export interface AccountDeletion {
  userId: string;
  network: string;
  password: string;
  cause: Cause;
}

/**
 * Leaves a tombstone in the person's place, ends all sessions, and tells everybody. What was mailed to them goes with
 * their row; how often it was stays counted, or each new account of the address would have its mails anew.
 *
 * Throws `session-revoked` if they are gone already, and like `ProvePassword`.
 */
export async function deleteAccount(parts: DeleteAccountParts, deletion: AccountDeletion): Promise<void> {
  const { client, uow, provePassword, endSessions, tryKeys, now } = parts;
  const { userId, network, password, cause } = deletion;
  const found = await client.user.findUnique({ where: { id: userId } });
  if (!found) throw new AppError('session-revoked');
  const { email, passwordHash } = found;
  await provePassword({ email, network, password, passwordHash });
  await uow.run(
    async (tx) => {
      const user = await lockUser(tx, userId);
      if (!user) throw new AppError('session-revoked');
      if (user.passwordHash !== passwordHash) throw userError('wrong-credentials');
      await endSessions(tx, { userId, which: { ids: 'all' }, reason: 'account-deleted', now: now() });
      await tx.user.delete({ where: { id: userId } });
      const tombstone = { id: userId, version: user.version + 1 };
      await tx.deletedUser.create({ data: tombstone });
      await forgetTries(tx, [tryKeys.guesses(email)]);
      tx.erase(userId);
      tx.publish({ type: 'user.deleted', subject: userId, version: tombstone.version, data: tombstone });
    },
    { users: [userId], cause },
  );
}
