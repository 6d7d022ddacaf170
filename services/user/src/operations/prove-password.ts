import { networkOf } from '@warren/service-kit';
import { userError } from '@warren/user-contract';
import type { Clock } from '../context.js';
import { guessesFromAnywhere, guessesFromOneAddress, guessesFromOneNetwork } from '../domain/attempts.js';
import type { Passwords } from '../security/passwords.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry, forgetTries, uncountTries } from '../store/attempts.js';
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
export type ProvePassword = (proof: Proof) => Promise<Proven>;

export interface Proven {
  /** The hash is of the password as it was typed once, and not as it would be hashed now. */
  isHashOutdated: boolean;
}

export interface ProvePasswordParts {
  client: PrismaClient;
  passwords: Passwords;
  tryKeys: TryKeys;
  now: Clock;
}

export function createProvePassword(parts: ProvePasswordParts): ProvePassword {
  const { client, passwords, tryKeys, now } = parts;
  return async ({ email, network, password, passwordHash }) => {
    const ofNetwork = { key: tryKeys.allGuessesFrom(network), slowDown: guessesFromOneNetwork };
    const ofAccountHere = { key: tryKeys.guessesFrom(network, email), slowDown: guessesFromOneAddress };
    const ofAccount = { key: tryKeys.guesses(email), slowDown: guessesFromAnywhere };
    const counted: string[] = [];
    for (const count of [ofNetwork, ofAccountHere, ofAccount]) {
      const tried = await countTry(client, count.key, count.slowDown, now());
      if (tried.ok) counted.push(count.key);
      else if (count === ofAccountHere || !(await isAtHome(email, network))) {
        await uncountTries(client, counted);
        throw new TooEarly(tried.waitMs);
      }
    }
    const match = await passwords.matches(passwordHash, password).catch(async (error: unknown) => {
      await uncountTries(client, counted);
      throw error;
    });
    if (match === 'differs') throw userError('wrong-credentials');
    if (counted.includes(ofNetwork.key)) await uncountTries(client, [ofNetwork.key]);
    await forgetTries(client, [ofAccountHere.key, ofAccount.key]);
    return { isHashOutdated: match === 'matches-as-typed' };
  };

  /** Whether the account is signed in from this network: who guesses elsewhere, or at others, keeps it from nothing. */
  async function isAtHome(email: string, network: string): Promise<boolean> {
    const addresses = await signedInFrom(client, email, now());
    return addresses.some((address) => networkOf(address) === network);
  }
}
