import type { Cause, UnitOfWork } from '@warren/unit-of-work';
import type { Clock } from '../context.js';
import type { SessionClient } from '../domain/sessions.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry } from '../store/attempts.js';
import type { UserDb } from '../store/database.js';
import { insertSession } from '../store/sessions.js';
import { insertUser, type NewUser } from '../store/users.js';
import type { LiveSession } from './live-session.js';
import { emailVerification, mailToken } from './mail-tokens.js';

export interface RegisterParts {
  uow: UnitOfWork<UserDb>;
  tryKeys: TryKeys;
  sessionEnd(now: Date): Date;
  tokensEnd(at: Date): Date;
  now: Clock;
}

/**
 * A person, their first session, and the mail that has their address proven. The mail counts with those that are asked
 * for, and isn't sent where there were too many: who registers an address again and again floods no mailbox with it.
 *
 * Throws `email-taken`.
 */
export async function register(
  { uow, tryKeys, sessionEnd, tokensEnd, now }: RegisterParts,
  { person, client, cause }: { person: NewUser; client: SessionClient; cause: Cause },
): Promise<LiveSession> {
  return await uow.run(
    async (tx) => {
      const user = await insertUser(tx, person);
      const at = now();
      const session = await insertSession(tx, {
        userId: user.id,
        client,
        now: at,
        expiresAt: sessionEnd(at),
        tokensEndAt: tokensEnd(at),
      });
      const mailing = emailVerification;
      const tried = await countTry(tx, tryKeys.mails(mailing.event, user.email), mailing.slowDown, at);
      if (tried.ok) await mailToken(tx, mailing, user, at);
      return { user, session, generation: session.generation, at };
    },
    { cause },
  );
}
