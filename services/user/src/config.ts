import { secret } from '@warren/service-kit';
import { User } from '@warren/user-contract';
import { type Static, Type } from 'typebox';

const keySecret = { ...secret, minLength: 32, maxLength: 1_000 } as const;

/** The user service's own environment variables. */
export const config = Type.Object({
  ACCESS_TOKEN_SECONDS: Type.Integer({
    minimum: 10,
    maximum: 86_400,
    default: 900,
    description: 'Lifetime of an access token in seconds.',
  }),
  SESSION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 365,
    default: 30,
    description: 'Days after which a session ends if it is not refreshed.',
  }),
  SIGNING_KEY_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3_650,
    default: 30,
    description: 'Days for which a key signs access tokens.',
  }),
  SIGNING_KEY_SECRET: Type.Optional(
    Type.String({
      ...keySecret,
      defaultText: 'none',
      description:
        'Encrypts the private signing keys in the database, and keys the HMAC of the counts of password guesses. At least 32 random characters.',
    }),
  ),
  SIGNING_KEY_SECRET_PREVIOUS: Type.Optional(
    Type.String({
      ...keySecret,
      defaultText: 'none',
      description: 'The previous secret, while `SIGNING_KEY_SECRET` is being changed. It only decrypts.',
    }),
  ),
  ADMIN_EMAILS: Type.Array(User.properties.email, {
    default: [],
    defaultText: 'none',
    description:
      'Email addresses, separated by commas. Their owners become admins when they have reset their password by mail.',
  }),
  SIGN_INS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 600,
    description:
      'Sign-ins a minute that one client network may try on one instance. Ten times as many refreshes are allowed.',
  }),
  MAILS_PER_HOUR: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 200,
    description:
      'Mails an hour that one client network may cause over all instances, by registering or by requesting a token.',
  }),
  REGISTRATIONS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 120,
    description:
      'Registrations a minute that one client network may try on one instance. The same limit applies to deletions. A sixth as many an hour are answered with `email-taken`.',
  }),
});

/** As parsed. */
export type UserConfig = Static<typeof config>;
