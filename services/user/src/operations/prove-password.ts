import { hash } from 'node:crypto';
import { AppError } from '@warren/contracts';
import type { Clock } from '../context.js';
import { guessesFromAnywhere, guessesFromOneAddress } from '../domain/attempts.js';
import type { Passwords } from '../security/passwords.js';
import { countTry, forgetTries, uncountTry } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
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
    const fromHere = { key: keyOf('password', email, network), slowDown: guessesFromOneAddress };
    const fromAnywhere = { key: accountKey(email), slowDown: guessesFromAnywhere };
    const counted: string[] = [];
    for (const { key, slowDown } of [fromHere, fromAnywhere]) {
      const tried = await countTry(client, key, slowDown, now());
      if (!tried.ok) {
        await takeBack(counted);
        throw new TooEarly(tried.waitMs);
      }
      counted.push(key);
    }
    const matched = await passwords.matches(passwordHash, password).catch(async (error: unknown) => {
      await takeBack(counted);
      throw error;
    });
    if (!matched) throw new AppError('wrong-credentials');
    await forgetTries(client, counted);
  };

  async function takeBack(keys: readonly string[]): Promise<void> {
    for (const key of keys) await uncountTry(client, key, now());
  }
}

/** What counts the failures on an account from anywhere. */
export const accountKey = (email: string): string => keyOf('password', email);

function keyOf(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
