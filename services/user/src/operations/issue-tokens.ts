import type { User } from '@warren/user-contract';
import { writeRefreshToken } from '../domain/refresh-tokens.js';
import { rolesOf } from '../domain/roles.js';
import type { AccessTokens } from '../providers/access-tokens.js';
import { toUser } from '../store/users.js';
import type { ActiveSession } from './sessions.js';

/** What a user gets who registers, signs in or refreshes. */
export interface SignedIn {
  user: User;
  accessToken: string;
  refreshToken: string;
  /** Seconds until the access token expires. */
  expiresIn: number;
}

export type IssueTokens = (active: ActiveSession) => Promise<SignedIn>;

interface Dependencies {
  accessTokens: AccessTokens;
  /** Normalized. */
  adminEmails: ReadonlySet<string>;
}

/** Issues the tokens of a session. */
export function createIssueTokens({ accessTokens, adminEmails }: Dependencies): IssueTokens {
  return async ({ user, session, generation, at }) => {
    const roles = rolesOf(user, adminEmails);
    return {
      user: toUser(user),
      accessToken: await accessTokens.sign({ userId: user.id, sessionId: session.id, roles, at }),
      refreshToken: writeRefreshToken(session.id, generation, session.rotationKey),
      expiresIn: accessTokens.lifetimeSeconds,
    };
  };
}
