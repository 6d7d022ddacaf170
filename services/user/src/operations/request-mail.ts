import type { Cause, UnitOfWork } from '@warren/unit-of-work';
import type { Clock } from '../context.js';
import { mailsFromOneNetwork } from '../domain/attempts.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry } from '../store/attempts.js';
import type { PrismaClient, UserDb } from '../store/database.js';
import { findByEmail, lockUser } from '../store/users.js';
import { type Mailing, mailToken } from './mail-tokens.js';
import { TooEarly } from './too-early.js';

export interface RequestMailParts {
  client: PrismaClient;
  uow: UnitOfWork<UserDb>;
  tryKeys: TryKeys;
  now: Clock;
}

export interface MailRequest {
  mailing: Mailing;
  /** Normalized; of an account or of none. */
  email: string;
  /** From which anybody may ask for any address; undefined where they can only ask for their own. */
  network?: string;
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
  { client, uow, tryKeys, now }: RequestMailParts,
  { mailing, email, network, wanted = () => true, cause }: MailRequest,
): Promise<void> {
  const found = await findByEmail(client, email);
  await uow.run(
    async (tx) => {
      const user = found && (await lockUser(tx, found.id));
      const key = network !== undefined && tryKeys.allMailsFrom(network);
      const asked = key ? await countTry(tx, key, mailsFromOneNetwork, now()) : { ok: true as const };
      if (!asked.ok) throw new TooEarly(asked.waitMs);
      const tried = await countTry(tx, tryKeys.mails(mailing.event, email), mailing.slowDown, now());
      if (user && tried.ok && wanted(user)) await mailToken(tx, mailing, user, now());
    },
    { cause },
  );
}
