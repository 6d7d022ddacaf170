import type { User } from '@warren/contracts';
import type { User as UserRow } from '../generated/prisma/client.js';
import type { AccessTokens } from '../security/access-tokens.js';
import type { OpenSession } from '../store/sessions.js';
import { toUser } from '../store/users.js';

export interface SignedInAnswer {
  user: User;
  accessToken: string;
  refreshToken: string;
  /** Seconds. */
  expiresIn: number;
}

/** What a person gets who registered, signed in or refreshed. */
export async function signedIn(
  tokens: AccessTokens,
  row: UserRow,
  session: OpenSession,
): Promise<SignedInAnswer> {
  const accessToken = await tokens.sign({ userId: row.id, sessionId: session.id, roles: row.roles });
  return { user: toUser(row), accessToken, refreshToken: session.refreshToken, expiresIn: tokens.lifetime };
}
