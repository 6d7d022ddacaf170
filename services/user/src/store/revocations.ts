import type { SessionRevoked } from '@warren/contracts';
import type { SessionRevocation } from '../generated/prisma/client.js';
import type { UserDb } from './database.js';

export async function insertRevocations(db: UserDb, revoked: readonly SessionRevoked[]): Promise<void> {
  await db.sessionRevocation.createMany({ data: [...revoked] });
}

export type RevocationRow = Omit<SessionRevocation, 'writtenBy'>;

export function toRevoked(row: RevocationRow): SessionRevoked {
  const { sessionId, userId, reason, revokedAt, tokensEndAt } = row;
  return {
    sessionId,
    userId,
    reason: reason as SessionRevoked['reason'],
    revokedAt: revokedAt.toISOString(),
    tokensEndAt: tokensEndAt.toISOString(),
  };
}
