import { AppError } from '@warren/contracts';
import type { Principal, VerifyToken } from '@warren/realtime';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { v5 } from 'uuid';
import { LruCache } from './lru-cache.js';

export interface TokenVerifierOptions {
  issuer: string;
  audience: string;
  keys: JWTVerifyGetKey;
  /** JWS algorithms that may sign. Default ES256 and EdDSA, which are Warren's own. */
  algorithms?: readonly string[];
}

/** Seconds by which the issuer's clock may differ from ours. */
const clockTolerance = 5;
const cachedTokens = 5_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Of the ids that are made of other issuers' subjects (RFC 9562, version 5). */
const subjects = '3f0b7c52-8a4e-5d0a-9b7e-6c1d2e4f8a90';

/**
 * Checks access tokens: algorithm, issuer, audience, type, expiry, `sub`. A verified token is remembered until it expires,
 * since each verification costs a signature check.
 *
 * Any OIDC issuer will do. Where `sub` is no UUID, the user's id is made of it, always the same one; without a `sid`
 * all tokens of a person count as one session.
 *
 * Throws `unauthenticated` or `token-expired`; `service-unavailable` where the keys can't be had at the moment.
 */
export function createTokenVerifier({
  issuer,
  audience,
  keys,
  algorithms = ['ES256', 'EdDSA'],
}: TokenVerifierOptions): VerifyToken {
  const verified = new LruCache<string, Principal>(cachedTokens);
  const options = { issuer, clockTolerance, algorithms: [...algorithms] };
  return async (token) => {
    const known = verified.get(token);
    if (known) {
      if (known.expiresAt + clockTolerance * 1_000 > Date.now()) return known;
      verified.delete(token);
      throw new AppError('token-expired');
    }
    const { payload, protectedHeader } = await jwtVerify(token, keys, options).catch(refuse);
    checkType(protectedHeader.typ);
    checkAudience(payload, audience);
    checkIsNoIdToken(payload);
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

/** Types of tokens that may be access tokens: RFC 9068's, and plain JWTs as many issuers still write them. */
const types = [undefined, 'at+jwt', 'jwt'];

/** `typ` is optional (RFC 7519, 5.1); where it is there, it says what the token isn't. */
function checkType(typ: string | undefined): void {
  if (!types.includes(typ?.toLowerCase().replace(/^application\//, '')))
    throw new AppError('unauthenticated');
}

/** Some issuers put no `aud` into access tokens, but the client that they were issued to. ID tokens have an `aud`. */
function checkAudience({ aud, client_id: client }: JWTPayload, audience: string): void {
  const audiences = aud === undefined ? [client] : [aud].flat();
  if (!audiences.includes(audience)) throw new AppError('unauthenticated');
}

/**
 * An ID token of the same issuer tells who signed in to a client, and gives no access. Its `aud` is that client; where
 * `JWT_AUDIENCE` names a client too, these tell it apart: hashes that only ID tokens have (OpenID Connect Core,
 * 3.1.3.6 and 3.3.2.11), and what Amazon Cognito (`token_use`) and Keycloak (`typ`) write into it.
 */
function checkIsNoIdToken({ at_hash, c_hash, token_use: use = 'access', typ }: JWTPayload): void {
  const isIdToken = at_hash !== undefined || c_hash !== undefined || use !== 'access' || typ === 'ID';
  if (isIdToken) throw new AppError('unauthenticated');
}

function toPrincipal({ iss, sub, sid, roles, exp }: JWTPayload): Principal {
  if (typeof sub !== 'string' || sub === '' || !exp) throw new AppError('unauthenticated');
  const userId = uuid.test(sub) ? sub.toLowerCase() : v5(`${iss} ${sub}`, subjects);
  const known = Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : [];
  return Object.freeze({
    userId,
    sessionId: typeof sid === 'string' && sid !== '' ? sid : userId,
    roles: Object.freeze(known),
    expiresAt: exp * 1_000,
  });
}
