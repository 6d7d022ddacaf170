import { hash } from 'node:crypto';
import type { Cause, UnitOfWork } from '@warren/unit-of-work';
import type { Clock } from '../context.js';
import { mails } from '../domain/attempts.js';
import { countTry } from '../store/attempts.js';
import type { PrismaClient, UserDb } from '../store/database.js';
import { findByEmail, lockUser } from '../store/users.js';
import { type Mailing, mailToken } from './mail-tokens.js';

export interface RequestMailParts {
  client: PrismaClient;
  uow: UnitOfWork<UserDb>;
  now: Clock;
}

export interface MailRequest {
  mailing: Mailing;
  /** Normalized; of an account or of none. */
  email: string;
  /** Whether this person is mailed. */
  wanted?(user: { emailVerified: boolean }): boolean;
  cause: Cause;
}

/**
 * Has a token mailed, if there is somebody to mail it to and they weren't mailed too often of late. Whoever asks is
 * told nothing of that, and no account does as much work as one, but for the mail itself. What fails isn't counted.
 */
export async function requestMail(
  { client, uow, now }: RequestMailParts,
  { mailing, email, wanted = () => true, cause }: MailRequest,
): Promise<void> {
  const found = await findByEmail(client, email);
  await uow.run(
    async (tx) => {
      const user = found && (await lockUser(tx, found.id));
      const tried = await countTry(tx, mailKey(mailing, email), mails, now());
      if (user && tried.ok && wanted(user)) await mailToken(tx, mailing, user, now());
    },
    { cause },
  );
}

/** What counts the mails of this kind to an address. */
export function mailKey({ event }: Mailing, email: string): string {
  return hash('sha256', JSON.stringify([event, email]), 'base64url');
}
