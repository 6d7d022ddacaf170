import type { UserTx } from '../context.js';
import { mails, type SlowDown } from '../domain/attempts.js';
import type { User } from '../generated/prisma/client.js';
import { newMailedToken } from '../security/mailed-tokens.js';
import { emailVerifications, type MailedTokens, passwordResets } from '../store/mailed-tokens.js';

/** A kind of token that is mailed to people: what keeps it, who is told, and for how many milliseconds it is good. */
export interface Mailing {
  tokens: MailedTokens;
  event: 'user.password-reset-requested' | 'user.email-verification-requested';
  goodFor: number;
  /** How mails to one address slow down. */
  slowDown: SlowDown;
}

const resetGoodFor = 30 * 60_000;

export const passwordReset: Mailing = {
  tokens: passwordResets,
  event: 'user.password-reset-requested',
  goodFor: resetGoodFor,
  // Whoever asks for somebody else's account again and again leaves the owner no time without a good token.
  slowDown: { ...mails, longestWait: resetGoodFor },
};

export const emailVerification: Mailing = {
  tokens: emailVerifications,
  event: 'user.email-verification-requested',
  goodFor: 24 * 60 * 60_000,
  slowDown: mails,
};

/** Has a token mailed to the person's address; the one before is good no more. The caller holds the person's row. */
export async function mailToken(
  tx: UserTx,
  { tokens, event, goodFor }: Mailing,
  { id: userId, email, version }: User,
  now: Date,
): Promise<void> {
  const { token, tokenHash } = newMailedToken();
  const expiresAt = new Date(now.getTime() + goodFor);
  await tokens.keep(tx, { userId, tokenHash, expiresAt });
  const data = { userId, email, token, expiresAt: expiresAt.toISOString() };
  // The person is the subject, so that an erasure finds it.
  tx.publish({ type: event, subject: userId, version, data, about: userId, confidential: true });
}
