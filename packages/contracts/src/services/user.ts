import { type Static, Type } from 'typebox';
import { defineContract } from '../contract.js';
import { NotificationRequested } from '../notices/requested.js';
import { closed, Empty, Id, Time, Version } from './shapes.js';

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

/** Why a session ended. Open for readers. */
export const RevocationReason = Type.Enum([
  'signed-out',
  'revoked',
  'token-reused',
  'password-changed',
  'password-reset',
  'account-deleted',
  'expired',
]);
export type RevocationReason = Static<typeof RevocationReason>;

/** A session that ended, mostly before its time. No access token of it is good any more. */
export const SessionRevoked = Type.Object(
  {
    sessionId: Id,
    userId: Id,
    reason: RevocationReason,
    revokedAt: Time,
    /** The latest end of an access token that this session was given: after that nobody needs to remember. */
    tokensEndAt: Time,
  },
  closed,
);
export type SessionRevoked = Static<typeof SessionRevoked>;

/** Every service listens to these: a token is good only while its session is. */
export const revocationType = 'user.session-revoked';

/** Most revocations of one page of `/internal/revocations`. */
export const revocationsPerPage = 1_000;

/** Revocations in force, as `/internal/revocations` lists them. `next` and `more` come with pages only. */
export const Revocations = Type.Object(
  {
    revocations: Type.Array(SessionRevoked),
    /** The `after` of the next page: the rest of the list, or, at its end, what will be revoked from now on. */
    next: Type.Optional(Type.String({ maxLength: 200 })),
    /** Whether the next page has revocations already. */
    more: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type Revocations = Static<typeof Revocations>;

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
  consumes: [],
  commands: {
    'presence.watch': {
      input: Watched,
      output: Type.Object({ presences: Type.Array(Presence) }, closed),
    },
    'presence.unwatch': { input: Watched, output: Empty },
  },
  feed: { 'user.updated': User },
  ephemeral: { 'presence.changed': Presence },
});
