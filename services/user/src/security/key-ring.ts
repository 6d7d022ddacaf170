import { createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import { type ScheduledKey, signingKey } from '../domain/key-schedule.js';

export interface RingKey extends ScheduledKey {
  privateJwk: JWK;
  publicJwk: JWK;
}

export interface Signer {
  id: string;
  key: Awaited<ReturnType<typeof importJWK>>;
}

/** The keys as this instance knows them: one signs, all verify. `replace` changes them while tokens are signed. */
export class KeyRing {
  #keys: readonly RingKey[] = [];
  #jwks: JSONWebKeySet = { keys: [] };
  #verify: JWTVerifyGetKey = createLocalJWKSet(this.#jwks);
  readonly #imported = new Map<string, Signer['key']>();

  /** The public halves (RFC 7517), those that will sign soon among them. */
  get jwks(): JSONWebKeySet {
    return this.#jwks;
  }

  readonly verificationKeys: JWTVerifyGetKey = (header, token) => this.#verify(header, token);

  async replace(keys: readonly RingKey[]): Promise<void> {
    for (const { id, privateJwk } of keys) {
      if (!this.#imported.has(id)) this.#imported.set(id, await importJWK(privateJwk, 'ES256'));
    }
    this.#keys = keys;
    this.#jwks = { keys: keys.map(({ publicJwk }) => publicJwk) };
    this.#verify = createLocalJWKSet(this.#jwks);
    const ids = new Set(keys.map(({ id }) => id));
    for (const id of this.#imported.keys()) if (!ids.has(id)) this.#imported.delete(id);
  }

  signer(now: Date): Signer {
    const signing = signingKey(this.#keys, now);
    const key = signing && this.#imported.get(signing.id);
    if (!key) throw new Error('there is no key to sign with');
    return { id: signing.id, key };
  }
}
