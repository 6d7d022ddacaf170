import { hash, randomBytes } from 'node:crypto';
import { type AttemptLimit, mailsToMailbox } from './attempts.js';

/** A kind of token that is sent to a user by mail. A user has at most one valid token of each kind. */
export interface MailedTokenKind {
  name: 'password-reset' | 'email-verification';
  /** The event that carries the token to the service that sends the mail. */
  event: 'user.password-reset-requested' | 'user.email-verification-requested';
  lifetimeMs: number;
  /** Limits the mails to one mailbox. No wait is longer than the token's lifetime. */
  limit: AttemptLimit;
  /** Whether this user gets a mail when somebody requests it. */
  isNeeded(user: { emailVerified: boolean }): boolean;
}

const resetLifetimeMs = 30 * 60_000;

export const passwordReset: MailedTokenKind = {
  name: 'password-reset',
  event: 'user.password-reset-requested',
  lifetimeMs: resetLifetimeMs,
  // Even if an attacker keeps requesting mails for an account, its owner gets a new token when the last one expires.
  limit: { ...mailsToMailbox, longestWaitMs: resetLifetimeMs },
  isNeeded: () => true,
};

export const emailVerification: MailedTokenKind = {
  name: 'email-verification',
  event: 'user.email-verification-requested',
  lifetimeMs: 24 * 60 * 60_000,
  limit: mailsToMailbox,
  isNeeded: ({ emailVerified }) => !emailVerified,
};

/** A new token of 256 random bits, and its hash. Only the hash is stored, so a copy of the database holds no token. */
export function newMailedToken(): { token: string; tokenHash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, tokenHash: hashOf(token) };
}

/** SHA-256, base64url. A fast hash is enough, since nobody can try all values of 256 random bits. */
export function hashOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
