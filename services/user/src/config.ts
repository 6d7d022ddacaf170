import { secret } from '@warren/service-kit';
import { User } from '@warren/user-contract';
import { type Static, Type } from 'typebox';

const keySecret = { ...secret, minLength: 32, maxLength: 1_000 } as const;

/** What this service reads of its environment, besides what all services share. */
export const config = Type.Object({
  ACCESS_TOKEN_SECONDS: Type.Integer({
    minimum: 10,
    maximum: 86_400,
    default: 900,
    description: 'Seconds that an access token lives.',
  }),
  SESSION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 365,
    default: 30,
    description: 'Days that a session lives without being refreshed.',
  }),
  SIGNING_KEY_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3_650,
    default: 30,
    description: 'Days that a key signs access tokens before the next one does.',
  }),
  SIGNING_KEY_SECRET: Type.Optional(
    Type.String({
      ...keySecret,
      defaultText: 'none',
      description:
        'Encrypts the private signing keys in the database, and names what tries count under; at least 32 random characters.',
    }),
  ),
  SIGNING_KEY_SECRET_PREVIOUS: Type.Optional(
    Type.String({
      ...keySecret,
      defaultText: 'none',
      description: 'The secret before, while `SIGNING_KEY_SECRET` changes: it only reads.',
    }),
  ),
  ADMIN_EMAILS: Type.Array(User.properties.email, {
    default: [],
    defaultText: 'none',
    description:
      'Addresses, separated by commas, whose owners are admins once they have reset their password by mail.',
  }),
  SIGN_INS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 600,
    description: 'Sign-ins that one client network may try on one instance; of refreshes, ten times as many.',
  }),
  MAILS_PER_HOUR: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 200,
    description:
      'Mails that one client network may cause within an hour over all instances, by registering or by asking for a token.',
  }),
  REGISTRATIONS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 120,
    description:
      'Registrations, and as many deletions, that one client network may try on one instance; a sixth as many an hour are told `email-taken`.',
  }),
});

export type UserConfig = Static<typeof config>;
