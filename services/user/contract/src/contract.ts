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

/** Any text that PostgreSQL can store: without NUL and lone surrogates. */
export const DisplayName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000\\ud800-\\udfff]*$',
});
export const Locale = Type.String({ minLength: 2, maxLength: 35 });
export const TimeZone = Type.String({ minLength: 1, maxLength: 64 });

/** The user as their own browser sees them. */
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

/** What stays of a deleted user for ever: the id, which is the event's subject, and the last version. */
export const UserTombstone = Type.Object({ id: Id, version: Version }, closed);
export type UserTombstone = Static<typeof UserTombstone>;

/** The current user, or the tombstone of a deleted one. Services whose copies start late get these. */
export const UserSnapshot = Type.Union([User, UserTombstone]);
export type UserSnapshot = Static<typeof UserSnapshot>;

export function isTombstone(user: User | UserTombstone): user is UserTombstone {
  return !('email' in user);
}

const mailedToken = {
  userId: Id,
  email: User.properties.email,
  /** Whoever holds the token can use it once, until `expiresAt`. */
  token: Type.String({ minLength: 20, maxLength: 200, pattern: '^[A-Za-z0-9_-]+$' }),
  expiresAt: Time,
};

/** Somebody requested a password reset for this account. The token must go only to its mailbox. */
export const PasswordResetRequested = Type.Object(mailedToken, closed);
export type PasswordResetRequested = Static<typeof PasswordResetRequested>;

/** The address is to be verified. Whoever holds the token can read its mail. */
export const EmailVerificationRequested = Type.Object(mailedToken, closed);
export type EmailVerificationRequested = Static<typeof EmailVerificationRequested>;

const Watched = Type.Object({ userIds: Type.Array(Id, { minItems: 1, maxItems: 100 }) }, closed);

/** Whether a user has a connection to any process. Many tabs count as one user. */
export const Presence = Type.Object(
  {
    userId: Id,
    online: Type.Boolean(),
    /** Null while the user is online, and if they were never seen. */
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
