import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { checkNewPassword } from '../domain/password.js';
import type { Passwords } from '../security/passwords.js';
import { isAlive } from '../store/sessions.js';
import { lockUser, setPassword } from '../store/users.js';
import { evenOverloaded } from './even-overloaded.js';
import { alertOf } from './security-alert.js';
import type { SignInParts } from './sign-in.js';

export type ChangePasswordParts = Omit<SignInParts, 'sessionEnd' | 'tokensEnd'> & { passwords: Passwords };

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
      if (user.passwordHash !== passwordHash) throw new AppError('wrong-credentials');
      const at = now();
      if (!(await isAlive(tx, userId, sessionId, at))) throw new AppError('session-revoked');
      await setPassword(tx, userId, newHash);
      await tx.passwordReset.deleteMany({ where: { userId } });
      await endSessions(tx, { userId, which: { except: sessionId }, reason: 'password-changed', now: at });
      alertOf(tx, userId, 'password-changed', at);
    },
    { ...evenOverloaded, cause },
  );
}
