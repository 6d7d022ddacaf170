import { describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { AccessTokens, KeyRing } from '../src/providers/access-tokens.js';

const options = { issuer: 'issuer', audience: 'audience', lifetimeSeconds: 900 };
const subject = { userId: 'user', sessionId: 'session', roles: [] };

describe('an access token', () => {
  it('begins its lifetime when its session was found to be active, however late it is signed', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { privateJwk: await exportJWK(privateKey), publicJwk: await exportJWK(publicKey) };
    const ring = new KeyRing();
    await ring.replace([{ id: 'key', signsFrom: new Date(0), ...key }]);
    const at = new Date(Date.now() - 120_000);
    const seconds = Math.floor(at.getTime() / 1_000);
    const token = await new AccessTokens(ring, options).sign({ ...subject, at });
    expect(decodeJwt(token)).toMatchObject({ iat: seconds, exp: seconds + 900, sub: 'user', sid: 'session' });
  });

  it('is not signed without a key', async () => {
    const tokens = new AccessTokens(new KeyRing(), options);
    await expect(tokens.sign({ ...subject, at: new Date() })).rejects.toThrow('no key');
  });
});
