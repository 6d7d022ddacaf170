import { Cursor, closed, Id, revocationsPerPage, Time } from '@warren/contracts';
import { DisplayName, Locale, TimeZone, User } from '@warren/user-contract';
import { Type } from 'typebox';

/** The domain trims and checks the address. So spaces around it are allowed here. */
export const Email = Type.String({ minLength: 3, maxLength: 320 });
/** `checkNewPassword` checks the rest, since the length counts after normalization. */
const NewPassword = Type.String({
  maxLength: 1_000,
  description: '8 to 200 characters after normalization (NFKC), and not easy to guess',
});
const Token = Type.String({ minLength: 1, maxLength: 4_096 });

export const Registration = Type.Object(
  {
    email: Email,
    password: NewPassword,
    displayName: DisplayName,
    locale: Type.Optional(Locale),
    timeZone: Type.Optional(TimeZone),
  },
  closed,
);

/** The current password. It is only compared, so the rules for new passwords don't apply. */
const Password = Type.String({ minLength: 1, maxLength: 1_000 });

export const Credentials = Type.Object({ email: Email, password: Password }, closed);

export const Deletion = Type.Pick(Credentials, ['password'], closed);

export const RefreshToken = Type.Object({ refreshToken: Token }, closed);

export const SignedIn = Type.Object(
  {
    user: User,
    accessToken: Token,
    refreshToken: Token,
    expiresIn: Type.Integer({ description: 'Seconds until the access token expires' }),
  },
  closed,
);

export const ProfileUpdate = Type.Object(
  {
    displayName: Type.Optional(DisplayName),
    locale: Type.Optional(Locale),
    timeZone: Type.Optional(TimeZone),
  },
  { ...closed, minProperties: 1 },
);

export const Lookup = Type.Object({ email: Email }, closed);
export const Found = Type.Object(
  {
    id: Id,
    displayName: DisplayName,
    emailVerified: Type.Boolean({
      description: 'Whether the user has verified the address. Anybody may register any address first.',
    }),
  },
  closed,
);

export const Nothing = Type.Null({ description: 'No body' });
/** The request was accepted. The answer doesn't say what came of it. */
export const Accepted = Type.Object({}, closed);

export const PasswordChange = Type.Object({ currentPassword: Password, newPassword: NewPassword }, closed);

export const ResetRequest = Type.Object({ email: Email }, closed);
export const NewPasswordOnly = Type.Object({ newPassword: NewPassword }, closed);

/** Any text. Text that is no token gets `invalid-token`, like a token that was never mailed. */
export const ByToken = Type.Object({ token: Type.String({ minLength: 1, maxLength: 200 }) }, closed);
export const ResetUse = Type.Object({ ...ByToken.properties, ...NewPasswordOnly.properties }, closed);
export const ById = Type.Object({ id: Id }, closed);

export const Session = Type.Object(
  {
    id: Id,
    createdAt: Time,
    lastUsedAt: Time,
    current: Type.Boolean({ description: 'Whether this is the caller’s own session' }),
    userAgent: Type.Union([Type.String(), Type.Null()], { description: 'As the client sent it at sign-in' }),
    address: Type.Union([Type.String(), Type.Null()], { description: 'The IP address of the sign-in' }),
  },
  closed,
);

export const ListQuery = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 100, default: 100 }), cursor: Type.Optional(Id) },
  closed,
);

export const SessionList = Type.Object(
  { items: Type.Array(Session), nextCursor: Type.Union([Cursor, Type.Null()]), asOf: Cursor },
  closed,
);

const Role = Type.String({ pattern: '^[a-z][a-z-]*$', maxLength: 32 });

export const Roles = Type.Object({ roles: Type.Array(Role, { maxItems: 20, uniqueItems: true }) }, closed);
export const UserRoles = Type.Object({ id: Id, ...Roles.properties }, closed);

export const RevocationsQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: revocationsPerPage,
        description: 'The most revocations in the page. `next` is the cursor of the next page.',
      }),
    ),
    after: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          '`next` of the previous page. A cursor that is no longer valid starts from the beginning.',
      }),
    ),
    since: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'Without `limit` and `after`: only revocations since then. For services of the previous release.',
      }),
    ),
  },
  closed,
);
