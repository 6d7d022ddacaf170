import { AppError } from '@warren/contracts';
import type { Principal, VerifyToken } from '@warren/realtime';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { v5 } from 'uuid';

export interface TokenVerifierOptions {
  issuer: string;
  audience: string;
  keys: JWTVerifyGetKey;
  /** JWS algorithms that tokens may be signed with. Default: ES256 and EdDSA, which the user service uses. */
  algorithms?: readonly string[];
}

/** Seconds by which the issuer's clock may differ from ours. */
const clockTolerance = 5;
const cachedTokens = 5_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Namespace of the user ids that are derived from subjects of other issuers (RFC 9562, version 5). */
const subjectNamespace = '3f0b7c52-8a4e-5d0a-9b7e-6c1d2e4f8a90';

/**
 * Checks access tokens: algorithm, issuer, audience, type, expiry, `sub`. A verified token is remembered until it expires,
 * since each verification costs a signature check.
 *
 * The issuer may be any OIDC issuer. If `sub` is not a UUID, the user id is derived from issuer and `sub`, so it is always
 * the same. If there is no `sid`, all tokens of a user count as one session.
 *
 * The verifier throws `unauthenticated`, `token-expired`, or `service-unavailable` if the keys can't be read now.
 */
export function createTokenVerifier({
  issuer,
  audience,
  keys,
  algorithms = ['ES256', 'EdDSA'],
}: TokenVerifierOptions): VerifyToken {
  const verified = new LRUCache<string, Principal>({ max: cachedTokens });
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
    refuseIdToken(payload);
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

/** Values of `typ` that access tokens may have: that of RFC 9068, and `JWT`, which many issuers write. */
const accessTokenTypes = [undefined, 'at+jwt', 'jwt'];

/** `typ` is optional (RFC 7519, 5.1). */
function checkType(typ: string | undefined): void {
  if (!accessTokenTypes.includes(typ?.toLowerCase().replace(/^application\//, '')))
    throw new AppError('unauthenticated');
}

/** Some issuers write no `aud` into access tokens, but a `client_id`. ID tokens always have an `aud`. */
function checkAudience({ aud, client_id: client }: JWTPayload, audience: string): void {
  const audiences = aud === undefined ? [client] : [aud].flat();
  if (!audiences.includes(audience)) throw new AppError('unauthenticated');
}

/**
 * Refuses ID tokens, which say who signed in to a client and give no access. The `aud` of an ID token is the client, so
 * `checkAudience` doesn't refuse it if `JWT_AUDIENCE` is that client. Only ID tokens have `at_hash` or `c_hash` (OpenID
 * Connect Core, 3.1.3.6 and 3.3.2.11), Amazon Cognito marks them with `token_use`, and Keycloak with `typ`.
 */
function refuseIdToken({ at_hash, c_hash, token_use: use = 'access', typ }: JWTPayload): void {
  const isIdToken = at_hash !== undefined || c_hash !== undefined || use !== 'access' || typ === 'ID';
  if (isIdToken) throw new AppError('unauthenticated');
}

function toPrincipal({ iss, sub, sid, roles, exp }: JWTPayload): Principal {
  if (typeof sub !== 'string' || sub === '' || !exp) throw new AppError('unauthenticated');
  const userId = uuid.test(sub) ? sub.toLowerCase() : v5(`${iss} ${sub}`, subjectNamespace);
  const named = Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : [];
  return Object.freeze({
    userId,
    sessionId: typeof sid === 'string' && sid !== '' ? sid : userId,
    roles: Object.freeze(named),
    expiresAt: exp * 1_000,
  });
}
