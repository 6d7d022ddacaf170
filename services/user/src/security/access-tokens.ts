import { createLocalJWKSet, importJWK, type JSONWebKeySet, type JWTVerifyGetKey, SignJWT } from 'jose';
import type { StoredKey } from '../store/signing-keys.js';

export interface AccessTokenOptions {
  issuer: string;
  audience: string;
  /** Seconds. */
  lifetime: number;
}

export interface AccessTokenSubject {
  userId: string;
  sessionId: string;
  roles: readonly string[];
}

/** Signs access tokens (RFC 9068, ES256) with the newest key; all keys verify. */
export class AccessTokens {
  readonly jwks: JSONWebKeySet;
  /** Seconds. */
  readonly lifetime: number;
  readonly verificationKeys: JWTVerifyGetKey;
  readonly #sign: (subject: AccessTokenSubject) => Promise<string>;

  private constructor(
    jwks: JSONWebKeySet,
    lifetime: number,
    sign: (subject: AccessTokenSubject) => Promise<string>,
  ) {
    this.jwks = jwks;
    this.lifetime = lifetime;
    this.verificationKeys = createLocalJWKSet(jwks);
    this.#sign = sign;
  }

  static async create(keys: readonly StoredKey[], options: AccessTokenOptions): Promise<AccessTokens> {
    const [newest] = keys;
    if (!newest) throw new Error('there is no signing key');
    const privateKey = await importJWK(newest.privateJwk, 'ES256');
    const jwks = { keys: keys.map((key) => key.publicJwk) };
    return new AccessTokens(jwks, options.lifetime, ({ userId, sessionId, roles }) =>
      new SignJWT({ sid: sessionId, roles: [...roles] })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: newest.id })
        .setSubject(userId)
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setIssuedAt()
        .setExpirationTime(`${options.lifetime}s`)
        .sign(privateKey),
    );
  }

  async sign(subject: AccessTokenSubject): Promise<string> {
    return await this.#sign(subject);
  }
}
