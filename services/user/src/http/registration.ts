import { routes } from '@warren/service-kit';
import type { UnitOfWork } from '@warren/unit-of-work';
import { normalizeEmail } from '../domain/email.js';
import { checkProfile } from '../domain/profile.js';
import type { AccessTokens } from '../security/access-tokens.js';
import type { Passwords } from '../security/passwords.js';
import type { UserDb } from '../store/database.js';
import { openSession } from '../store/sessions.js';
import { insertUser } from '../store/users.js';
import { Registration, SignedIn } from './schemas.js';
import { signedIn } from './signed-in.js';

export interface SignInParts {
  uow: UnitOfWork<UserDb>;
  passwords: Passwords;
  tokens: AccessTokens;
  /** When a session that is opened or refreshed now will end. */
  sessionEnd(): Date;
}

export const registration = ({ uow, passwords, tokens, sessionEnd }: SignInParts) =>
  routes((http) => {
    http.post(
      '/users',
      { config: { auth: 'none' }, schema: { body: Registration, response: { 201: SignedIn } } },
      async (request, reply) => {
        const { password, displayName, locale = 'en', timeZone = 'UTC' } = request.body;
        const email = normalizeEmail(request.body.email);
        const profile = { displayName, locale, timeZone, ...checkProfile({ displayName, locale, timeZone }) };
        const passwordHash = await passwords.hash(password);
        const [row, session] = await uow.run(
          async (tx) => {
            const row = await insertUser(tx, { email, passwordHash, ...profile });
            return [row, await openSession(tx, row.id, sessionEnd())] as const;
          },
          { cause: request.cause },
        );
        return await reply.code(201).send(await signedIn(tokens, row, session));
      },
    );
  });
