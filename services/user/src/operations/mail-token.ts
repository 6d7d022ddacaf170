import type { UserTx } from '../context.js';
import { type MailedTokenKind, newMailedToken } from '../domain/mailed-tokens.js';
import type { User } from '../generated/prisma/client.js';
import { saveMailedToken } from '../store/mailed-tokens.js';

/** Has a token mailed to the user's address, which replaces the previous one. The caller has locked the user. */
export async function mailToken(
  tx: UserTx,
  kind: MailedTokenKind,
  { id: userId, email, version }: User,
  now: Date,
): Promise<void> {
  const { token, tokenHash } = newMailedToken();
  const expiresAt = new Date(now.getTime() + kind.lifetimeMs);
  await saveMailedToken(tx, kind, { userId, tokenHash, expiresAt });
  const data = { userId, email, token, expiresAt: expiresAt.toISOString() };
  tx.publish({ type: kind.event, subject: userId, version, data, about: userId, confidential: true });
}
