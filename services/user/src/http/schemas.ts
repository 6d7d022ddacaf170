import { closed, DisplayName, Id, Locale, TimeZone, User } from '@warren/contracts';
import { Type } from 'typebox';

/** Normalized and checked as an address by the domain, so that spaces around it do no harm. */
export const Email = Type.String({ minLength: 3, maxLength: 320 });
const NewPassword = Type.String({ minLength: 8, maxLength: 200 });
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

export const Credentials = Type.Object(
  { email: Email, password: Type.String({ minLength: 1, maxLength: 200 }) },
  closed,
);

export const Deletion = Type.Pick(Credentials, ['password'], closed);

export const RefreshRequest = Type.Object({ refreshToken: Token }, closed);

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
export const Found = Type.Object({ id: Id, displayName: DisplayName }, closed);
