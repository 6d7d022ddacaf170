import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { Clock, UserUow } from '../context.js';
import { checkNewPassword } from '../domain/password.js';
import type { Passwords } from '../security/passwords.js';
import type { PrismaClient } from '../store/database.js';
import { isAlive } from '../store/sessions.js';
import { lockUser, setPassword } from '../store/users.js';
import type { EndSessions } from './end-sessions.js';
import { evenOverloaded } from './even-overloaded.js';
import type { ProvePassword } from './prove-password.js';
import { alertOf } from './security-alert.js';

export interface ChangePasswordParts {
  client: PrismaClient;
  uow: UserUow;
  passwords: Passwords;
  provePassword: ProvePassword;
  endSessions: EndSessions;
  now: Clock;
}

export interface PasswordChange {
  userId: string;
  /** The caller's own, which goes on. */
  sessionId: string;
  network: string;
  currentPassword: string;
  newPassword: string;
  cause: Cause;
}

/**
 * Sets a new password, ends all other sessions, and takes back a reset that is under way.
 *
 * Throws like `ProvePassword` and `checkNewPassword`; `session-revoked` where the caller's own session has ended.
 */
export async function changePassword(parts: ChangePasswordParts, change: PasswordChange): Promise<void> {
  const { client, uow, passwords, provePassword, endSessions, now } = parts;
  const { userId, sessionId, network, currentPassword, newPassword, cause } = change;
  const found = await client.user.findUnique({ where: { id: userId } });
  if (!found) throw new AppError('session-revoked');
  const { email, passwordHash } = found;
  checkNewPassword(newPassword, email, '/newPassword');
  await provePassword({ email, network, password: currentPassword, passwordHash });
  const newHash = await passwords.hash(newPassword);
  await uow.run(
    async (tx) => {
      const user = await lockUser(tx, userId);
      if (!user) throw new AppError('session-revoked');
      if (user.passwordHash !== passwordHash) throw userError('wrong-credentials');
      const at = now();
      if (!(await isAlive(tx, userId, sessionId, at))) throw new AppError('session-revoked');
      await setPassword(tx, userId, newHash);
      await tx.passwordReset.deleteMany({ where: { userId } });
      const which = { ids: 'all', except: sessionId } as const;
      await endSessions(tx, { userId, which, reason: 'password-changed', now: at });
      alertOf(tx, userId, 'password-changed', at);
    },
    { ...evenOverloaded, cause },
  );
}
