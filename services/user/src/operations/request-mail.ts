import type { Cause } from '@warren/unit-of-work';
import type { Clock, UserUow } from '../context.js';
import type { SlowDown } from '../domain/attempts.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
import { findByEmail, lockUser } from '../store/users.js';
import { type Mailing, mailToken } from './mail-tokens.js';
import { TooEarly } from './too-early.js';

export interface RequestMailParts {
  client: PrismaClient;
  uow: UserUow;
  tryKeys: TryKeys;
  /** How mails that one network causes slow down. */
  mailsFromOneNetwork: SlowDown;
  now: Clock;
}

export interface MailRequest {
  mailing: Mailing;
  /** Normalized; of an account or of none. */
  email: string;
  /** From which it is asked for. */
  network: string;
  /** Whether this person is mailed. */
  wanted?(user: { emailVerified: boolean }): boolean;
  cause: Cause;
}

/**
 * Has a token mailed, if there is somebody to mail it to and they weren't mailed too often of late. Whoever asks is
 * told nothing of that, and no account does as much work as one, but for the mail itself. What fails isn't counted.
 *
 * Throws `TooEarly` (`rate-limited`) where the network asked for too many, whomever they were for.
 */
export async function requestMail(
  { client, uow, tryKeys, mailsFromOneNetwork, now }: RequestMailParts,
  { mailing, email, network, wanted = () => true, cause }: MailRequest,
): Promise<void> {
  const found = await findByEmail(client, email);
  await uow.run(
    async (tx) => {
      const user = found && (await lockUser(tx, found.id));
      const asked = await countTry(tx, tryKeys.allMailsFrom(network), mailsFromOneNetwork, now());
      if (!asked.ok) throw new TooEarly(asked.waitMs);
      const key = tryKeys.mails(mailing.event, email, user?.emailVerified ?? false);
      const tried = await countTry(tx, key, mailing.slowDown, now());
      if (user && tried.ok && wanted(user)) await mailToken(tx, mailing, user, now());
    },
    { cause },
  );
}
