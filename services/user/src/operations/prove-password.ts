import { hash } from 'node:crypto';
import { AppError } from '@warren/contracts';
import { networkOf } from '@warren/service-kit';
import type { Clock } from '../context.js';
import { guessesFromAnywhere, guessesFromOneAddress } from '../domain/attempts.js';
import type { Passwords } from '../security/passwords.js';
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
  now: Clock;
}

export function createProvePassword({ client, passwords, now }: ProvePasswordParts): ProvePassword {
  return async ({ email, network, password, passwordHash }) => {
    const keys = { here: networkKey(email, network), anywhere: accountKey(email) };
    const here = await countTry(client, keys.here, guessesFromOneAddress, now());
    if (!here.ok) throw new TooEarly(here.waitMs);
    const anywhere = await countTry(client, keys.anywhere, guessesFromAnywhere, now());
    if (!anywhere.ok && !(await isAtHome(email, network))) {
      await uncountTry(client, keys.here, now());
      throw new TooEarly(anywhere.waitMs);
    }
    const matched = await passwords.matches(passwordHash, password).catch(async (error: unknown) => {
      await uncountTry(client, keys.here, now());
      if (anywhere.ok) await uncountTry(client, keys.anywhere, now());
      throw error;
    });
    if (!matched) throw new AppError('wrong-credentials');
    await forgetTries(client, Object.values(keys));
  };

  /** Whether the account is signed in from this network: who guesses from elsewhere keeps nobody here waiting. */
  async function isAtHome(email: string, network: string): Promise<boolean> {
    const addresses = await signedInFrom(client, email, now());
    return addresses.some((address) => networkOf(address) === network);
  }
}

/** What counts the failures on an account from one network. */
export const networkKey = (email: string, network: string): string => keyOf('password', email, network);

/** What counts the failures on an account from anywhere. */
export const accountKey = (email: string): string => keyOf('password', email);

function keyOf(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
