import { AppError } from '@warren/contracts';
import type { VerifyToken } from '@warren/realtime';

/** A token is good only while its session is. */
export function unrevoked(verify: VerifyToken, isRevoked: (sessionId: string) => boolean): VerifyToken {
  return async (token) => {
    const principal = await verify(token);
    if (isRevoked(principal.sessionId)) throw new AppError('session-revoked');
    return principal;
  };
}
