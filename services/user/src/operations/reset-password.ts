import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import { hashOf, passwordReset } from '../domain/mailed-tokens.js';
import { checkNewPassword } from '../domain/password.js';
import { forgetAttempts } from '../store/attempts.js';
import { ownerOfMailedToken, useMailedToken } from '../store/mailed-tokens.js';
import { findById, lockUser, setPassword } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import { sendSecurityAlert } from './security-alert.js';
import { alwaysAdmitted, endSessions } from './sessions.js';
import { markEmailVerified } from './verify-email.js';

export interface ResetPasswordRequest {
  token: string;
  newPassword: string;
  /** The network from which the token was sent. Earlier wrong passwords from there are forgotten. */
  network: string;
  cause: Cause;
}

const stillValid = 'The token is still valid: use it again with another password';

/**
 * Sets a new password for the holder of a mailed token, and ends all sessions. The token also verifies the address,
 * since it was mailed there. Wrong passwords that others tried no longer keep the owner waiting.
 *
 * @throws AppError `invalid-token`; as `checkNewPassword`, in which case the token stays valid
 */
export function createResetPassword({
  client,
  uow,
  passwords,
  attemptKeys,
  lifetimes,
  now,
}: OperationDependencies): (request: ResetPasswordRequest) => Promise<void> {
  return async ({ token, newPassword, network, cause }) => {
    const tokenHash = hashOf(token);
    const userId = await ownerOfMailedToken(client, passwordReset, tokenHash, now());
    const found = userId && (await findById(client, userId));
    if (!found) throw userError('invalid-token');
    checkNewPassword(newPassword, found.email, '/newPassword', stillValid);
    const newHash = await passwords.hash(newPassword);
    await uow.run(
      async (tx) => {
        const user = await lockUser(tx, found.id);
        const at = now();
        if (!user || !(await useMailedToken(tx, passwordReset, tokenHash, at)))
          throw userError('invalid-token');
        const { id, email } = user;
        await setPassword(tx, id, newHash, { byMail: true });
        if (!user.emailVerified) await markEmailVerified(tx, id);
        await endSessions(tx, { userId: id, which: { ids: 'all' }, reason: 'password-reset', at, lifetimes });
        await forgetAttempts(tx, [
          attemptKeys.guessesAtAccount(email),
          attemptKeys.guessesAtAccountFromNetwork(email, network),
        ]);
        sendSecurityAlert(tx, id, 'password-reset', at);
      },
      { ...alwaysAdmitted, users: [found.id], cause },
    );
  };
}
