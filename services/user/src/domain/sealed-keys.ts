import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';

/** A private key as the database stores it: a JWK, or a JWK encrypted with AES-256-GCM. */
export type StoredPrivateKey = JWK | SealedKey;

/** All parts are base64url. */
export interface SealedKey {
  sealed: 'A256GCM';
  iv: string;
  tag: string;
  data: string;
}

const algorithm = 'aes-256-gcm';

/** Encrypts private keys at rest. A sealed key is bound to its id, so it can't be moved to another row. */
export class KeySeal {
  readonly #key: Buffer | undefined;
  readonly #openers: readonly Buffer[];

  /** `secret` seals and opens. `previous` only opens. */
  constructor(secret?: string, previous?: string) {
    this.#key = secret === undefined ? undefined : derive(secret);
    const opener = previous === undefined ? undefined : derive(previous);
    this.#openers = [this.#key, opener].filter((key) => key !== undefined);
  }

  /** The sealed key, or `jwk` unchanged if there is no secret. */
  seal(id: string, jwk: JWK): StoredPrivateKey {
    const key = this.#key;
    if (!key) return jwk;
    const iv = randomBytes(12);
    const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(id));
    const data = Buffer.concat([cipher.update(JSON.stringify(jwk), 'utf8'), cipher.final()]);
    return {
      sealed: 'A256GCM',
      iv: iv.toString('base64url'),
      tag: cipher.getAuthTag().toString('base64url'),
      data: data.toString('base64url'),
    };
  }

  /** @throws UnreadableKeyError if no secret opens the key */
  open(id: string, stored: StoredPrivateKey): JWK {
    if (!isSealed(stored)) return stored;
    const jwk = this.#openers.map((key) => unseal(key, id, stored)).find((opened) => opened !== undefined);
    if (!jwk) throw new UnreadableKeyError(id);
    return jwk;
  }

  /** Whether the key is stored in plain text or under the previous secret, and should be sealed again. */
  isOutdated(id: string, stored: StoredPrivateKey): boolean {
    if (!this.#key) return false;
    return !isSealed(stored) || unseal(this.#key, id, stored) === undefined;
  }
}

/** The key was sealed with a secret that this service doesn't have. */
export class UnreadableKeyError extends Error {
  override readonly name = 'UnreadableKeyError';

  constructor(id: string) {
    super(`SIGNING_KEY_SECRET does not open the signing key ${id}`);
  }
}

/** HKDF (RFC 5869) is enough, since the secret is long and random. A slow derivation would only protect a short one. */
function derive(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'warren signing keys at rest', 32));
}

function isSealed(stored: StoredPrivateKey): stored is SealedKey {
  return 'sealed' in stored;
}

function unseal(key: Buffer, id: string, { iv, tag, data }: SealedKey): JWK | undefined {
  try {
    const decipher = createDecipheriv(algorithm, key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(id)).setAuthTag(Buffer.from(tag, 'base64url'));
    const text = Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}
