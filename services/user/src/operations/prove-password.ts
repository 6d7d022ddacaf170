import { AppError } from '@warren/contracts';
import { networkOf } from '@warren/service-kit';
import type { Clock } from '../context.js';
import { guessesFromAnywhere, guessesFromOneAddress, guessesFromOneNetwork } from '../domain/attempts.js';
import type { Passwords } from '../security/passwords.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry, forgetTries, uncountTry } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
import { signedInFrom } from '../store/sessions.js';
import { TooEarly } from './too-early.js';

export interface Proof {
  /** Normalized; of an account or of none. */
  email: string;
  /** The network from which the password is given. */
  network: string;
  password: string;
  /** Undefined where there is no such account: everything is as if there were. */
  passwordHash: string | undefined;
}

/**
 * Checks a password that somebody gives as proof, and slows down whoever fails again and again: over all instances,
 * and for every place that asks for a password together.
 *
 * Throws `wrong-credentials`, or `TooEarly` (`rate-limited`) without a look at the password.
 */
export type ProvePassword = (proof: Proof) => Promise<void>;

export interface ProvePasswordParts {
  client: PrismaClient;
  passwords: Passwords;
  tryKeys: TryKeys;
  now: Clock;
}

export function createProvePassword(parts: ProvePasswordParts): ProvePassword {
  const { client, passwords, tryKeys, now } = parts;
  return async ({ email, network, password, passwordHash }) => {
    const ofNetwork = tryKeys.allGuessesFrom(network);
    const ofAccount = [tryKeys.guessesFrom(network, email), tryKeys.guesses(email)] as const;
    const counts = [
      { key: ofNetwork, slowDown: guessesFromOneNetwork, waitsAtHome: false },
      { key: ofAccount[0], slowDown: guessesFromOneAddress, waitsAtHome: true },
      { key: ofAccount[1], slowDown: guessesFromAnywhere, waitsAtHome: false },
    ];
    const counted: string[] = [];
    for (const { key, slowDown, waitsAtHome } of counts) {
      const tried = await countTry(client, key, slowDown, now());
      if (tried.ok) counted.push(key);
      else if (waitsAtHome || !(await isAtHome(email, network))) {
        await takeBack(counted);
        throw new TooEarly(tried.waitMs);
      }
    }
    const matched = await passwords.matches(passwordHash, password).catch(async (error: unknown) => {
      await takeBack(counted);
      throw error;
    });
    if (!matched) throw new AppError('wrong-credentials');
    await takeBack(counted.filter((key) => key === ofNetwork));
    await forgetTries(client, ofAccount);
  };

  async function takeBack(keys: readonly string[]): Promise<void> {
    for (const key of keys) await uncountTry(client, key);
  }

  /** Whether the account is signed in from this network: who guesses elsewhere, or at others, keeps it from nothing. */
  async function isAtHome(email: string, network: string): Promise<boolean> {
    const addresses = await signedInFrom(client, email, now());
    return addresses.some((address) => networkOf(address) === network);
  }
}
