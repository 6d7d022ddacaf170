import type { User } from '@warren/user-contract';
import { rolesOf } from '../domain/roles.js';
import type { LiveSession } from '../operations/live-session.js';
import { writeRefreshToken } from '../security/refresh-tokens.js';
import { toUser } from '../store/users.js';
import type { Parts } from './parts.js';

export interface SignedInAnswer {
  user: User;
  accessToken: string;
  refreshToken: string;
  /** Seconds. */
  expiresIn: number;
}

/** What a person gets who registered, signed in or refreshed. */
export async function signedIn(
  { tokens, adminEmails }: Pick<Parts, 'tokens' | 'adminEmails'>,
  { user, session, generation, at }: LiveSession,
): Promise<SignedInAnswer> {
  const roles = rolesOf(user, adminEmails);
  return {
    user: toUser(user),
    accessToken: await tokens.sign({ userId: user.id, sessionId: session.id, roles, at }),
    refreshToken: writeRefreshToken(session.id, generation, session.rotationKey),
    expiresIn: tokens.lifetime,
  };
}
