import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import { passwordReset } from '../domain/mailed-tokens.js';
import { checkNewPassword } from '../domain/password.js';
import { withdrawMailedToken } from '../store/mailed-tokens.js';
import { isActive } from '../store/sessions.js';
import { findById, lockUser, setPassword } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import { sendSecurityAlert } from './security-alert.js';
import { alwaysAdmitted, endSessions } from './sessions.js';

export interface ChangePasswordRequest {
  userId: string;
  /** The caller's own session, which continues. */
  sessionId: string;
  network: string;
  currentPassword: string;
  newPassword: string;
  cause: Cause;
}

/**
 * Sets a new password, ends all other sessions, and withdraws a mailed password reset.
 *
 * @throws AppError `session-revoked` if the caller's own session has ended; as `VerifyPassword` and `checkNewPassword`
 */
export function createChangePassword({
  client,
  uow,
  passwords,
  verifyPassword,
  lifetimes,
  now,
}: OperationDependencies): (request: ChangePasswordRequest) => Promise<void> {
  return async ({ userId, sessionId, network, currentPassword, newPassword, cause }) => {
    const found = await findById(client, userId);
    if (!found) throw new AppError('session-revoked');
    const { email, passwordHash } = found;
    checkNewPassword(newPassword, email, '/newPassword');
    await verifyPassword({ email, network, password: currentPassword, passwordHash });
    const newHash = await passwords.hash(newPassword);
    await uow.run(
      async (tx) => {
        const user = await lockUser(tx, userId);
        if (!user) throw new AppError('session-revoked');
        if (user.passwordHash !== passwordHash) throw userError('wrong-credentials');
        const at = now();
        if (!(await isActive(tx, userId, sessionId, at))) throw new AppError('session-revoked');
        await setPassword(tx, userId, newHash);
        await withdrawMailedToken(tx, passwordReset, userId);
        const which = { ids: 'all', except: sessionId } as const;
        await endSessions(tx, { userId, which, reason: 'password-changed', at, lifetimes });
        sendSecurityAlert(tx, userId, 'password-changed', at);
      },
      { ...alwaysAdmitted, cause },
    );
  };
}
