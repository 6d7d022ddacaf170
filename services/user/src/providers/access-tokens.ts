import {
  createLocalJWKSet,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
  SignJWT,
} from 'jose';
import { type ScheduledKey, signingKey } from '../domain/key-schedule.js';

export interface SigningKey extends ScheduledKey {
  privateJwk: JWK;
  publicJwk: JWK;
}

type ImportedKey = Awaited<ReturnType<typeof importJWK>>;

/** The signing keys that this instance has loaded. One of them signs, and all of them verify. */
export class KeyRing {
  #keys: readonly SigningKey[] = [];
  #jwks: JSONWebKeySet = { keys: [] };
  #verify: JWTVerifyGetKey = createLocalJWKSet(this.#jwks);
  readonly #imported = new Map<string, ImportedKey>();

  /** The public keys (RFC 7517), including those that will sign soon. */
  get jwks(): JSONWebKeySet {
    return this.#jwks;
  }

  readonly verificationKeys: JWTVerifyGetKey = (header, token) => this.#verify(header, token);

  /** Replaces all keys. Tokens can be signed and verified in the meantime. */
  async replace(keys: readonly SigningKey[]): Promise<void> {
    for (const { id, privateJwk } of keys) {
      if (!this.#imported.has(id)) this.#imported.set(id, await importJWK(privateJwk, 'ES256'));
    }
    this.#keys = keys;
    this.#jwks = { keys: keys.map(({ publicJwk }) => publicJwk) };
    this.#verify = createLocalJWKSet(this.#jwks);
    const ids = new Set(keys.map(({ id }) => id));
    for (const id of this.#imported.keys()) if (!ids.has(id)) this.#imported.delete(id);
  }

  /** The key that signs at `now`. Throws if the ring is empty. */
  signer(now: Date): { id: string; key: ImportedKey } {
    const signing = signingKey(this.#keys, now);
    const key = signing && this.#imported.get(signing.id);
    if (!key) throw new Error('there is no key to sign with');
    return { id: signing.id, key };
  }
}

export interface AccessTokenOptions {
  issuer: string;
  audience: string;
  lifetimeSeconds: number;
}

export interface AccessTokenSubject {
  userId: string;
  sessionId: string;
  roles: readonly string[];
  /** When the session was found to be active. The token's lifetime begins here, even if signing takes long. */
  at: Date;
}

/** Signs access tokens (RFC 9068, ES256). */
export class AccessTokens {
  readonly lifetimeSeconds: number;
  readonly #keys: KeyRing;
  readonly #options: AccessTokenOptions;

  constructor(keys: KeyRing, options: AccessTokenOptions) {
    this.lifetimeSeconds = options.lifetimeSeconds;
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
      .setExpirationTime(new Date(at.getTime() + this.lifetimeSeconds * 1_000))
      .sign(key);
  }
}
