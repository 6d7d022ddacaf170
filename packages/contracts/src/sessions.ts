import { type Static, Type } from 'typebox';
import { closed, Id, Time } from './shapes.js';

// The kit's protocol with the service that ends sessions: how every service learns that a token is no longer good.

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
