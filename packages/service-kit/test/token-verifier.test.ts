import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import {
  type CryptoKey,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';
import { pino } from 'pino';
import { createRemoteKeys } from '../src/auth/remote-keys.js';
import { createTokenVerifier } from '../src/auth/token-verifier.js';

const userId = '0192f0c1-2d3e-7a4b-8c5d-6e7f80910213';
const log = pino({ level: 'silent' });

interface Keys {
  privateKey: CryptoKey;
  publicJwk: JWK;
}

async function makeKeys(alg: string): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid: 'one', alg } };
}

interface TokenChange {
  header?: Partial<JWTHeaderParameters>;
  claims?: Record<string, unknown>;
  issuer?: string;
  /** Null: no audience. */
  audience?: string | null;
  expiresIn?: number;
  key?: CryptoKey | Uint8Array;
}

const untyped: TokenChange = { header: { typ: undefined } as Partial<JWTHeaderParameters> };

describe('createTokenVerifier', () => {
  let keys: Keys;
  let other: Keys;
  let rsa: Keys;
  beforeAll(async () => {
    [keys, other, rsa] = await Promise.all([makeKeys('ES256'), makeKeys('ES256'), makeKeys('RS256')]);
  });

  function token({
    header,
    claims,
    issuer = 'us',
    audience = 'them',
    expiresIn = 60,
    key,
  }: TokenChange = {}) {
    const aud = audience === null ? {} : { aud: audience };
    return new SignJWT({ sub: userId, sid: 's1', roles: ['admin'], ...aud, ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one', ...header })
      .setIssuer(issuer)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresIn)
      .sign(key ?? keys.privateKey);
  }

  function verifier() {
    const jwks = { keys: [keys.publicJwk, { ...rsa.publicJwk, kid: 'rsa' }] };
    return createTokenVerifier({ issuer: 'us', audience: 'them', keys: createLocalJWKSet(jwks) });
  }

  it('returns the user of the token', async () => {
    const principal = await verifier()(await token());
    expect(principal).toMatchObject({ userId, sessionId: 's1', roles: ['admin'] });
    expect(principal.expiresAt).toBeGreaterThan(Date.now() + 50_000);
  });

  it.each<[string, () => TokenChange]>([
    ['another key', () => ({ key: other.privateKey })],
    ['another issuer', () => ({ issuer: 'others' })],
    ['another audience', () => ({ audience: 'others' })],
    [
      'an algorithm that is not on the list, though its key is known',
      () => ({ header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }),
    ],
    ['a shared secret', () => ({ header: { alg: 'HS256' }, key: new TextEncoder().encode('x'.repeat(32)) })],
    ['the type of an ID token', () => ({ header: { typ: 'id+jwt' } })],
    ['neither an audience nor a client', () => ({ audience: null })],
    ['another client', () => ({ audience: null, claims: { client_id: 'others' } })],
    [
      'an audience of others, though for this client',
      () => ({ audience: 'others', claims: { client_id: 'them' } }),
    ],
    [
      'the hash of an access token, which only ID tokens have',
      () => ({ ...untyped, claims: { at_hash: 'x' } }),
    ],
    ['the hash of a code, which only ID tokens have', () => ({ ...untyped, claims: { c_hash: 'x' } })],
    ['the use of an ID token (Amazon Cognito)', () => ({ ...untyped, claims: { token_use: 'id' } })],
    ['the type of an ID token in its claims (Keycloak)', () => ({ ...untyped, claims: { typ: 'ID' } })],
    ['no subject', () => ({ claims: { sub: undefined } })],
  ])('refuses a token with %s', async (_, change) => {
    await expect(verifier()(await token(change()))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it.each<[string, () => TokenChange]>([
    ['with no type, which is optional', () => untyped],
    ['of a plain JWT', () => ({ header: { typ: 'JWT' } })],
    ['with its media type in full', () => ({ header: { typ: 'application/at+jwt' } })],
    ['with several audiences', () => ({ claims: { aud: ['others', 'them'] } })],
    [
      'with a client instead of an audience, and no type (Amazon Cognito)',
      () => ({ ...untyped, audience: null, claims: { client_id: 'them', token_use: 'access' } }),
    ],
    ['with a type among its claims (Keycloak)', () => ({ claims: { typ: 'Bearer' } })],
  ])('accepts a token %s', async (_, change) => {
    expect(await verifier()(await token(change()))).toMatchObject({ userId });
  });

  it('accepts tokens of other issuers, with their algorithm and subjects and without sessions', async () => {
    const jwks = { keys: [{ ...rsa.publicJwk, kid: 'rsa' }] };
    const options = { audience: 'them', keys: createLocalJWKSet(jwks), algorithms: ['RS256'] };
    const verifierOf = (issuer: string) => createTokenVerifier({ ...options, issuer });
    const theirs = (issuer: string, sub: string) =>
      token({
        issuer,
        claims: { sub, sid: undefined },
        header: { alg: 'RS256', kid: 'rsa', typ: 'JWT' },
        key: rsa.privateKey,
      });
    const ann = await verifierOf('them')(await theirs('them', 'auth0|ann'));
    expect(ann.userId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ann.sessionId).toBe(ann.userId);
    expect((await verifierOf('them')(await theirs('them', 'auth0|ann'))).userId).toBe(ann.userId);
    expect((await verifierOf('them')(await theirs('them', 'auth0|bob'))).userId).not.toBe(ann.userId);
    expect((await verifierOf('us')(await theirs('us', 'auth0|ann'))).userId).not.toBe(ann.userId);
  });

  it('refuses an unsigned token and text that is not a token', async () => {
    const [, payload] = (await token()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    await expect(verifier()(`${header}.${payload}.`)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(verifier()('rubbish')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('answers token-expired for an expired token, also if it expires in the cache', async () => {
    await expect(verifier()(await token({ expiresIn: -10 }))).rejects.toMatchObject({
      code: 'token-expired',
    });
    const verify = verifier();
    const short = await token({ expiresIn: 0 });
    await verify(short);
    const now = Date.now;
    Date.now = () => now() + 6_000;
    try {
      await expect(verify(short)).rejects.toMatchObject({ code: 'token-expired' });
    } finally {
      Date.now = now;
    }
  });

  it('checks the signature of a token only once', async () => {
    let lookups = 0;
    const local = createLocalJWKSet({ keys: [keys.publicJwk] });
    const verify = createTokenVerifier({
      issuer: 'us',
      audience: 'them',
      keys: (header, input) => {
        lookups += 1;
        return local(header, input);
      },
    });
    const one = await token();
    await verify(one);
    await verify(one);
    expect(lookups).toBe(1);
  });
});

describe('createRemoteKeys', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });

  async function serve(answer: () => { status: number; body: unknown }): Promise<URL> {
    server = createServer((_, response) => {
      const { status, body } = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`);
  }

  async function signed(keys: Keys, kid: string): Promise<string> {
    return await new SignJWT({ sub: userId, sid: 's1' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer('us')
      .setAudience('them')
      .setExpirationTime('1m')
      .sign(keys.privateKey);
  }

  it('answers service-unavailable while the issuer is unreachable, and does not try again for a while', async () => {
    const keys = await makeKeys('ES256');
    let asked = 0;
    const url = await serve(() => {
      asked += 1;
      return { status: 503, body: {} };
    });
    const verify = createTokenVerifier({
      issuer: 'us',
      audience: 'them',
      keys: createRemoteKeys(url, log).keys,
    });
    const now = Date.now;
    const stopped = now();
    Date.now = () => stopped;
    try {
      for (let i = 0; i < 3; i += 1) {
        await expect(verify(await signed(keys, 'one'))).rejects.toMatchObject({
          code: 'service-unavailable',
        });
      }
      expect(asked).toBe(1);
    } finally {
      Date.now = now;
    }
  });

  it('fetches the keys as soon as the issuer is reachable, before they are needed', async () => {
    const { publicJwk } = await makeKeys('ES256');
    let away = true;
    const url = await serve(() =>
      away ? { status: 503, body: {} } : { status: 200, body: { keys: [publicJwk] } },
    );
    const remote = createRemoteKeys(url, log);
    remote.firstRead.start();
    await pause(100);
    expect(remote.known).toBe(false);
    away = false;
    await eventually(() => expect(remote.known).toBe(true));
    await remote.firstRead.stop();
  });

  it('answers unauthenticated if the issuer answers but does not know the key', async () => {
    const keys = await makeKeys('ES256');
    const url = await serve(() => ({ status: 200, body: { keys: [keys.publicJwk] } }));
    const verify = createTokenVerifier({
      issuer: 'us',
      audience: 'them',
      keys: createRemoteKeys(url, log).keys,
    });
    await verify(await signed(keys, 'one'));
    await expect(verify(await signed(keys, 'two'))).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
