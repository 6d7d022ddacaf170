import { SignJWT } from 'jose';
import type { KeyRing } from './key-ring.js';

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
  /** When the session was found alive. The token's life counts from here, however long signing it took. */
  at: Date;
}

/** Signs access tokens (RFC 9068, ES256). */
export class AccessTokens {
  /** Seconds. */
  readonly lifetime: number;
  readonly #keys: KeyRing;
  readonly #options: AccessTokenOptions;

  constructor(keys: KeyRing, options: AccessTokenOptions) {
    this.lifetime = options.lifetime;
    this.#keys = keys;
    this.#options = options;
  }

  async sign({ userId, sessionId, roles, at }: AccessTokenSubject): Promise<string> {
    const { id, key } = this.#keys.signer(at);
    return await new SignJWT({ sid: sessionId, roles: [...roles] })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: id })
      .setSubject(userId)
      .setIssuer(this.#options.issuer)
      .setAudience(this.#options.audience)
      .setIssuedAt(at)
      .setExpirationTime(new Date(at.getTime() + this.lifetime * 1_000))
      .sign(key);
  }
}
