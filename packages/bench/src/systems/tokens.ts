import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Person } from '../driver/questions.js';

const keyId = 'bench';

/** A token issuer for one run. */
export interface Tokens {
  /** The public keys as JSON. */
  jwks: string;
  /** Creates people with tokens that are valid for the whole run. */
  people(count: number): Promise<Person[]>;
}

export async function createTokens(): Promise<Tokens> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), kid: keyId, alg: 'ES256', use: 'sig' };
  const sign = (id: string) =>
    new SignJWT({ sid: randomUUID(), roles: [] })
      .setProtectedHeader({ alg: 'ES256', kid: keyId, typ: 'at+jwt' })
      .setSubject(id)
      .setIssuer('urn:warren:user')
      .setAudience('warren')
      .setIssuedAt()
      .setExpirationTime('4h')
      .sign(privateKey);
  return {
    jwks: JSON.stringify({ keys: [key] }),
    people: async (count) => {
      const ids = Array.from({ length: count }, () => randomUUID());
      return Promise.all(ids.map(async (id) => ({ id, token: await sign(id) })));
    },
  };
}
