import {
  closed,
  defineContract,
  Empty,
  Id,
  revocationType,
  SessionRevoked,
  Time,
  Version,
} from '@warren/contracts';
import { NotificationRequested } from '@warren/notification-contract';
import { type Static, Type } from 'typebox';
import { userErrors } from './errors.js';

/** PostgreSQL's text holds anything but NUL and lone surrogates. */
export const DisplayName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000\\ud800-\\udfff]*$',
});
export const Locale = Type.String({ minLength: 2, maxLength: 35 });
export const TimeZone = Type.String({ minLength: 1, maxLength: 64 });

/** The person as their own browser sees them. */
export const User = Type.Object(
  {
    id: Id,
    email: Type.String({ format: 'email', maxLength: 254 }),
    emailVerified: Type.Boolean(),
    displayName: DisplayName,
    locale: Locale,
    timeZone: TimeZone,
    version: Version,
    createdAt: Time,
  },
  closed,
);
export type User = Static<typeof User>;

/** What stays of a deleted person, for ever: the id (the event's subject) and the last version. */
export const UserTombstone = Type.Object({ id: Id, version: Version }, closed);
export type UserTombstone = Static<typeof UserTombstone>;

/** The person as they now are, or what stays of them: for copies that start late. */
export const UserSnapshot = Type.Union([User, UserTombstone]);
export type UserSnapshot = Static<typeof UserSnapshot>;

export function isTombstone(user: User | UserTombstone): user is UserTombstone {
  return !('email' in user);
}

const mailedToken = {
  userId: Id,
  email: User.properties.email,
  /** Good once, for whoever holds it, until `expiresAt`. */
  token: Type.String({ minLength: 20, maxLength: 200, pattern: '^[A-Za-z0-9_-]+$' }),
  expiresAt: Time,
};

/** Somebody asked for a new password for this account: the token goes to its mailbox and nowhere else. */
export const PasswordResetRequested = Type.Object(mailedToken, closed);
export type PasswordResetRequested = Static<typeof PasswordResetRequested>;

/** Whoever holds the token can read the mail of this address. */
export const EmailVerificationRequested = Type.Object(mailedToken, closed);
export type EmailVerificationRequested = Static<typeof EmailVerificationRequested>;

const Watched = Type.Object({ userIds: Type.Array(Id, { minItems: 1, maxItems: 100 }) }, closed);

/** Whether a person has a connection anywhere. Many tabs are one person. */
export const Presence = Type.Object(
  {
    userId: Id,
    online: Type.Boolean(),
    /** Null for whom was never seen, and while online. */
    lastSeenAt: Type.Union([Time, Type.Null()]),
  },
  closed,
);
export type Presence = Static<typeof Presence>;

export const userContract = defineContract({
  service: 'user',
  emits: {
    'user.registered': User,
    'user.updated': User,
    'user.deleted': UserTombstone,
    'user.snapshot': UserSnapshot,
    [revocationType]: SessionRevoked,
    'user.password-reset-requested': PasswordResetRequested,
    'user.email-verification-requested': EmailVerificationRequested,
    'notification.requested': NotificationRequested,
  },
  commands: {
    'presence.watch': {
      input: Watched,
      output: Type.Object({ presences: Type.Array(Presence) }, closed),
    },
    'presence.unwatch': { input: Watched, output: Empty },
  },
  feed: { 'user.updated': User },
  ephemeral: { 'presence.changed': Presence },
  errors: userErrors,
});
