import { AppError } from '@warren/contracts';
import type { Principal, VerifyToken } from '@warren/realtime';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LruCache } from './lru-cache.js';

export interface TokenVerifierOptions {
  issuer: string;
  audience: string;
  keys: JWTVerifyGetKey;
}

/** Seconds by which the issuer's clock may differ from ours. */
const clockTolerance = 5;
const cachedTokens = 5_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Checks access tokens: ES256 or EdDSA, issuer, audience, expiry, and `sub` and `sid`. A verified token is
 * remembered until it expires, since each verification costs a signature check.
 *
 * Throws `unauthenticated` or `token-expired`; `service-unavailable` where the keys can't be had at the moment.
 */
export function createTokenVerifier({ issuer, audience, keys }: TokenVerifierOptions): VerifyToken {
  const verified = new LruCache<string, Principal>(cachedTokens);
  const options = { issuer, audience, clockTolerance, algorithms: ['ES256', 'EdDSA'] };
  return async (token) => {
    const known = verified.get(token);
    if (known) {
      if (known.expiresAt + clockTolerance * 1_000 > Date.now()) return known;
      verified.delete(token);
      throw new AppError('token-expired');
    }
    const { payload, protectedHeader } = await jwtVerify(token, keys, options).catch(refuse);
    checkType(protectedHeader.typ);
    const principal = toPrincipal(payload);
    verified.set(token, principal);
    return principal;
  };
}

function refuse(error: unknown): never {
  if (error instanceof AppError) throw error;
  if (error instanceof errors.JWTExpired) throw new AppError('token-expired', { cause: error });
  throw new AppError('unauthenticated', { cause: error });
}

/** RFC 9068 access tokens, and plain JWTs as many issuers still write them; never ID tokens under another type. */
function checkType(typ: string | undefined): void {
  const type = typ?.toLowerCase().replace(/^application\//, '');
  if (type !== 'at+jwt' && type !== 'jwt') throw new AppError('unauthenticated');
}

function toPrincipal({ sub, sid, roles, exp }: JWTPayload): Principal {
  const valid = typeof sub === 'string' && uuid.test(sub) && typeof sid === 'string' && sid !== '' && exp;
  if (!valid) throw new AppError('unauthenticated');
  const known = Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : [];
  return Object.freeze({
    userId: sub.toLowerCase(),
    sessionId: sid,
    roles: Object.freeze(known),
    expiresAt: exp * 1_000,
  });
}
