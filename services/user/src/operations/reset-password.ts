import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { Clock, UserUow } from '../context.js';
import { checkNewPassword } from '../domain/password.js';
import { hashOf } from '../security/mailed-tokens.js';
import type { Passwords } from '../security/passwords.js';
import type { TryKeys } from '../security/try-keys.js';
import { forgetTries } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
import { lockUser, markEmailVerified, setPasswordByMail } from '../store/users.js';
import type { EndSessions } from './end-sessions.js';
import { evenOverloaded } from './even-overloaded.js';
import { passwordReset } from './mail-tokens.js';
import { alertOf } from './security-alert.js';

export interface ResetPasswordParts {
  client: PrismaClient;
  uow: UserUow;
  passwords: Passwords;
  tryKeys: TryKeys;
  endSessions: EndSessions;
  now: Clock;
}

export interface PasswordResetUse {
  token: string;
  newPassword: string;
  /** From which the token came: its holder waits there no more. */
  network: string;
  cause: Cause;
}

const stillGood = 'The token is still good: use it again with another password';

/**
 * Sets a new password for who holds the mailed token, and ends all sessions. The token also proves the address, as it
 * came with its mail. Whoever guessed at the old password no longer keeps the owner waiting.
 *
 * Throws `invalid-token`, or like `checkNewPassword`, which leaves the token good and says so.
 */
export async function resetPassword(parts: ResetPasswordParts, use: PasswordResetUse): Promise<void> {
  const { client, uow, passwords, tryKeys, endSessions, now } = parts;
  const { token, newPassword, network, cause } = use;
  const { tokens } = passwordReset;
  const tokenHash = hashOf(token);
  const userId = await tokens.ownerOf(client, tokenHash, now());
  const found = userId && (await client.user.findUnique({ where: { id: userId } }));
  if (!found) throw userError('invalid-token');
  checkNewPassword(newPassword, found.email, '/newPassword', stillGood);
  const newHash = await passwords.hash(newPassword);
  await uow.run(
    async (tx) => {
      const user = await lockUser(tx, found.id);
      const at = now();
      if (!user || !(await tokens.use(tx, tokenHash, at))) throw userError('invalid-token');
      await setPasswordByMail(tx, user.id, newHash);
      if (!user.emailVerified) await markEmailVerified(tx, user.id);
      await endSessions(tx, { userId: user.id, which: { ids: 'all' }, reason: 'password-reset', now: at });
      await forgetTries(tx, [tryKeys.guesses(user.email), tryKeys.guessesFrom(network, user.email)]);
      alertOf(tx, user.id, 'password-reset', at);
    },
    { ...evenOverloaded, users: [found.id], cause },
  );
}
