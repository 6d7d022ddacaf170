import { networkOf } from '@warren/service-kit';
import { userError } from '@warren/user-contract';
import type { Clock, UserContext } from '../context.js';
import type { AttemptKeys } from '../domain/attempt-keys.js';
import {
  guessesAtAccount,
  guessesAtAccountFromNetwork,
  guessesFromNetwork,
  RateLimited,
} from '../domain/attempts.js';
import type { Passwords } from '../providers/passwords.js';
import { countAttempt, forgetAttempts, uncountAttempts } from '../store/attempts.js';
import { signedInFrom } from '../store/sessions.js';

export interface PasswordAttempt {
  /** Normalized. There may be no account with this address. */
  email: string;
  /** The network from which the password was sent. */
  network: string;
  password: string;
  /** `undefined` if there is no account. The check behaves as if there were one. */
  passwordHash: string | undefined;
}

export interface VerifiedPassword {
  /** The hash was made before passwords were normalized, and should be replaced. */
  isHashOutdated: boolean;
}

/**
 * Checks a password. Limits wrong passwords over all instances, and over all routes that ask for a password together.
 *
 * @throws AppError `wrong-credentials`; `RateLimited`, before the password is checked
 */
export type VerifyPassword = (attempt: PasswordAttempt) => Promise<VerifiedPassword>;

type Dependencies = Pick<UserContext, 'client'> & {
  passwords: Passwords;
  attemptKeys: AttemptKeys;
  now: Clock;
};

export function createVerifyPassword({ client, passwords, attemptKeys, now }: Dependencies): VerifyPassword {
  return async ({ email, network, password, passwordHash }) => {
    const ofNetwork = { key: attemptKeys.guessesFromNetwork(network), limit: guessesFromNetwork };
    const ofAccountHere = {
      key: attemptKeys.guessesAtAccountFromNetwork(email, network),
      limit: guessesAtAccountFromNetwork,
    };
    const ofAccount = { key: attemptKeys.guessesAtAccount(email), limit: guessesAtAccount };
    const counted: string[] = [];
    for (const count of [ofNetwork, ofAccountHere, ofAccount]) {
      const attempt = await countAttempt(client, count.key, count.limit, now());
      if (attempt.ok) counted.push(count.key);
      else if (count === ofAccountHere || !(await isSignedInFrom(email, network))) {
        await uncountAttempts(client, counted);
        throw new RateLimited(attempt.waitMs);
      }
    }
    const match = await passwords.matches(passwordHash, password).catch(async (error: unknown) => {
      await uncountAttempts(client, counted);
      throw error;
    });
    if (match === 'differs') throw userError('wrong-credentials');
    if (counted.includes(ofNetwork.key)) await uncountAttempts(client, [ofNetwork.key]);
    await forgetAttempts(client, [ofAccountHere.key, ofAccount.key]);
    return { isHashOutdated: match === 'matches-as-typed' };
  };

  /** Whether the account has an active session in this network. Guesses from elsewhere must not lock out its owner. */
  async function isSignedInFrom(email: string, network: string): Promise<boolean> {
    const addresses = await signedInFrom(client, email, now());
    return addresses.some((address) => networkOf(address) === network);
  }
}
