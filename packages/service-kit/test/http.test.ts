import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppError, type ServiceContract } from '@warren/contracts';
import type { Principal } from '@warren/realtime';
import { userContract } from '@warren/user-contract';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Type } from 'typebox';
import { clientAddress } from '../src/http/client-address.js';
import { Readiness } from '../src/http/health.js';
import { idempotencyKey } from '../src/http/idempotency-key.js';
import { RequestLimit } from '../src/http/request-limit.js';
import { routes } from '../src/http/routes.js';
import { addRoutes, createHttp } from '../src/http/server.js';
import { Metrics } from '../src/observe/metrics.js';

const principal: Principal = { userId: 'u1', sessionId: 's1', roles: [], expiresAt: Date.now() + 60_000 };

const verify = async (token: string): Promise<Principal> => {
  if (token === 'away') throw new AppError('service-unavailable', { cause: new Error('no keys') });
  if (token !== 'good') throw new AppError('unauthenticated');
  return principal;
};

const body = Type.Object(
  { name: Type.String({ minLength: 1 }), tags: Type.Array(Type.Object({ n: Type.Integer() })) },
  { additionalProperties: false },
);
const querystring = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }) },
  { additionalProperties: false },
);

const things = routes((http) => {
  http.post('/things', { schema: { body } }, async (request) => ({
    ...request.body,
    by: request.principal.userId,
  }));
  http.get('/things', { schema: { querystring } }, async (request) => request.query);
  http.get('/things/:id/parts', async () => ({}));
  http.post('/things/:id/bare', async () => ({}));
  http.delete('/things/:id/bare', async () => ({}));
  http.get('/broken/elsewhere', async () => {
    throw Object.assign(new Error('no such charge'), { statusCode: 404, code: 'resource_missing' });
  });
  http.get('/open', { config: { auth: 'none' } }, async (request) => ({ cause: request.cause }));
  http.get('/open/wrongly', { config: { auth: 'none' } }, async (request) => request.principal);
  http.get('/broken', async () => {
    throw new Error('the password is hunter2');
  });
  http.post('/once', async (request) => ({ key: idempotencyKey(request) }));
});

interface Request {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  payload?: unknown;
}

interface OpenApi {
  openapi: string;
  paths: Record<
    string,
    Record<string, { security?: unknown; responses: Record<string, { content?: unknown }> }>
  >;
}

describe('the public HTTP server', () => {
  let http: FastifyInstance;
  let base: string;
  const logged: string[] = [];
  const readiness = new Readiness({ database: () => 'ok', broker: () => 'degraded' });

  beforeAll(async () => {
    const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });
    const metrics = new Metrics('user', 'n1');
    const limit = new RequestLimit(10_000);
    http = await createHttp({
      addressOf: clientAddress(false),
      contract: userContract,
      corsOrigins: ['http://web'],
      readiness,
      metrics,
      log,
      limit,
    });
    await addRoutes(http, [things], verify, limit);
    await http.listen({ host: '127.0.0.1', port: 0 });
    base = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`;
  });
  afterAll(() => http.close());

  async function send({ method = 'GET', url, headers = {}, payload }: Request) {
    const isText = payload === undefined || typeof payload === 'string';
    const response = await fetch(base + url, {
      method,
      headers: { ...(!isText && { 'content-type': 'application/json' }), ...headers },
      body: isText ? payload : JSON.stringify(payload),
    } as RequestInit);
    const text = await response.text();
    return {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      json: <T = unknown>() => JSON.parse(text) as T,
    };
  }

  const headers = { authorization: 'Bearer good' };

  async function problem(request: Request) {
    const response = await send(request);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.headers['x-correlation-id']).toBeDefined();
    const found = response.json<{
      code: string;
      status: number;
      errors?: unknown;
      temporary: boolean;
      detail?: string;
    }>();
    expect(found.status).toBe(response.statusCode);
    return { ...found, headers: response.headers };
  }

  it('requires a token on every route that is not marked as open', async () => {
    expect(await problem({ url: '/things' })).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      temporary: false,
    });
    expect(await problem({ url: '/things', headers: { authorization: 'Basic good' } })).toMatchObject({
      status: 401,
    });
    expect(await problem({ url: '/things', headers: { authorization: 'Bearer bad' } })).toMatchObject({
      status: 401,
    });
    expect((await send({ url: '/things', headers })).statusCode).toBe(200);
    expect((await send({ url: '/open' })).statusCode).toBe(200);
  });

  it('answers 503 and not 401 while the keys cannot be fetched', async () => {
    const found = await problem({ url: '/things', headers: { authorization: 'Bearer away' } });
    expect(found).toMatchObject({ status: 503, code: 'service-unavailable', temporary: true });
  });

  it('validates a body without changing it, and points at the errors', async () => {
    const bad = await problem({
      method: 'POST',
      url: '/things',
      headers,
      payload: { name: 'a', tags: [{ n: '1' }] },
    });
    expect(bad).toMatchObject({
      status: 400,
      code: 'invalid-request',
      errors: [{ pointer: '/tags/0/n', code: 'type' }],
    });
    const extra = await problem({
      method: 'POST',
      url: '/things',
      headers,
      payload: { name: 'a', tags: [], 'x/y': 1 },
    });
    expect(extra.errors).toEqual([{ pointer: '/x~1y', code: 'additionalProperties' }]);
    const none = await problem({ method: 'POST', url: '/things', headers });
    expect(none).toMatchObject({ status: 400, code: 'invalid-request' });
    const good = await send({
      method: 'POST',
      url: '/things',
      headers,
      payload: { name: 'a', tags: [{ n: 1 }] },
    });
    expect(good.json()).toEqual({ name: 'a', tags: [{ n: 1 }], by: 'u1' });
  });

  it('parses numbers, booleans and lists in the query', async () => {
    expect((await send({ url: '/things', headers })).json()).toEqual({ limit: 20 });
    expect((await send({ url: '/things?limit=7', headers })).json()).toEqual({ limit: 7 });
    const bad = await problem({ url: '/things?limit=many', headers });
    expect(bad.errors).toEqual([{ pointer: '/query/limit', code: 'type' }]);
    expect(await problem({ url: '/things?limit=1&limit=2', headers })).toMatchObject({
      code: 'invalid-request',
    });
  });

  it.each([
    ['malformed JSON', '{"name":', 'application/json', 400, 'invalid-request'],
    ['a body with __proto__', '{"__proto__":{"a":1}}', 'application/json', 400, 'invalid-request'],
    ['an empty body', '', 'application/json', 400, 'invalid-request'],
    ['another media type', '<name/>', 'application/xml', 415, 'unsupported-media-type'],
    [
      'a body that is too large',
      JSON.stringify({ name: 'x'.repeat(200_000) }),
      'application/json',
      413,
      'payload-too-large',
    ],
  ])('refuses %s', async (_, payload, type, status, code) => {
    const request = {
      method: 'POST' as const,
      url: '/things',
      headers: { ...headers, 'content-type': type },
      payload,
    };
    expect(await problem(request)).toMatchObject({ status, code });
  });

  it.each([
    [
      'bytes that are no UTF-8',
      Buffer.from([...Buffer.from('{"name":"'), 0xe9, ...Buffer.from('","tags":[]}')]),
    ],
    ['half a character at the end', Buffer.from('{"name":"é","tags":[]}').subarray(0, 10)],
    ['UTF-16', Buffer.from('{"name":"a","tags":[]}', 'utf16le')],
  ])('refuses a body of %s and does not replace its bytes', async (_, bytes) => {
    const response = await fetch(`${base}/things`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: bytes,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid-request' });
  });

  it('accepts a body with a byte order mark', async () => {
    const payload = '\ufeff{"name":"é","tags":[]}';
    const taken = await send({
      method: 'POST',
      url: '/things',
      headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
      payload,
    });
    expect(taken.json()).toEqual({ name: 'é', tags: [], by: 'u1' });
  });

  it.each(['gzip', 'br', 'gzip, identity'])(
    'refuses a body with the content encoding %s and says that it accepts none',
    async (coding) => {
      const body = coding === 'br' ? brotliCompressSync('{"name":"a"}') : gzipSync('{"name":"a"}');
      const response = await fetch(`${base}/things`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'content-encoding': coding },
        body,
      });
      expect(response.status).toBe(415);
      expect(response.headers.get('accept-encoding')).toBe('identity');
      expect(await response.json()).toMatchObject({
        code: 'unsupported-media-type',
        detail: expect.stringContaining('Content-Encoding'),
      });
    },
  );

  it.each([
    undefined,
    'application/json',
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
  ])('accepts an empty body of type %s on a route without a body', async (type) => {
    for (const method of ['POST', 'DELETE'] as const) {
      const request = {
        method,
        url: '/things/5/bare',
        headers: { ...headers, ...(type && { 'content-type': type }) },
      };
      expect((await send(request)).statusCode).toBe(200);
    }
  });

  it('answers a path that the documentation refuses with a client error, and logs no error', async () => {
    logged.length = 0;
    const paths = [
      '/docs/static/..%2f..%2fpackage.json',
      '/docs/static/%00',
      '/docs/static/.hidden',
      '/docs/%2e%2e%2f',
    ];
    const statuses = [];
    for (const path of paths) statuses.push(Math.floor((await problem({ url: path })).status / 100));
    expect(statuses).toEqual(paths.map(() => 4));
    expect(logged.filter((line) => line.includes('"level":"error"') || line.includes('"level":50'))).toEqual(
      [],
    );
  });

  it('does not answer with the status of another service as if the client had caused it', async () => {
    expect(await problem({ url: '/broken/elsewhere', headers })).toMatchObject({
      status: 500,
      code: 'internal',
    });
  });

  it('shows its documentation over plain HTTP, with all resources from the service itself', async () => {
    for (const url of ['/docs/', '/things']) {
      const { headers: sent } = await send({ url });
      expect(sent['content-security-policy']).toContain("default-src 'self'");
      expect(sent['content-security-policy']).not.toContain('upgrade-insecure-requests');
    }
    const page = await (await fetch(`${base}/docs/`)).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      const linked = await fetch(new URL(link, `${base}/docs/`));
      expect([linked.status, (await linked.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
    }
  });

  it('answers 404 for an unknown path and 405 for a wrong method', async () => {
    expect(await problem({ url: '/nowhere' })).toMatchObject({ status: 404, code: 'not-found' });
    const wrong = await problem({ method: 'DELETE', url: '/things/5/parts?x=1' });
    expect(wrong).toMatchObject({ status: 405, code: 'method-not-allowed' });
    expect(wrong.headers.allow).toBe('GET, HEAD');
    expect(await problem({ url: '/%zz' })).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  it('logs the cause of an unknown error and never sends it', async () => {
    logged.length = 0;
    const found = await problem({ url: '/broken', headers });
    expect(found).toMatchObject({ status: 500, code: 'internal' });
    expect(JSON.stringify(found)).not.toContain('hunter2');
    expect(logged.join()).toContain('hunter2');
  });

  it('throws if a handler of an open route reads the principal', async () => {
    expect(await problem({ url: '/open/wrongly' })).toMatchObject({ status: 500, code: 'internal' });
  });

  it('keeps an acceptable correlation id, and replaces any other', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const given = await send({
      url: '/open',
      headers: { 'x-correlation-id': 'order-12345', traceparent },
    });
    expect(given.headers['x-correlation-id']).toBe('order-12345');
    expect(given.json()).toEqual({ cause: { correlationId: 'order-12345', traceparent } });
    const made = await send({
      url: '/open',
      headers: { 'x-correlation-id': 'a b\tc'.repeat(3), traceparent: 'x' },
    });
    expect(made.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.json()).toEqual({ cause: { correlationId: made.headers['x-correlation-id'] } });
  });

  it('logs the correlation id and the user of each request', async () => {
    logged.length = 0;
    await send({ url: '/things', headers: { ...headers, 'x-correlation-id': 'order-12345' } });
    const line = logged.map((text): unknown => JSON.parse(text)).at(-1);
    expect(line).toMatchObject({
      msg: 'request',
      correlationId: 'order-12345',
      userId: 'u1',
      route: '/things',
      status: 200,
    });
  });

  it('requires an Idempotency-Key on routes that read it', async () => {
    const once = (key?: string) => ({
      method: 'POST' as const,
      url: '/once',
      headers: { ...headers, ...(key !== undefined && { 'idempotency-key': key }) },
    });
    expect(await problem(once())).toMatchObject({ status: 400, code: 'idempotency-key-required' });
    expect(await problem(once('x'.repeat(256)))).toMatchObject({ status: 400, code: 'invalid-request' });
    expect((await send(once('k-1'))).json()).toEqual({ key: 'k-1' });
  });

  it('describes itself in OpenAPI 3.1', async () => {
    const document = (await send({ url: '/openapi.json' })).json<OpenApi>();
    expect(document.openapi).toBe('3.1.0');
    expect(document.paths['/things']?.post?.security).toEqual([{ accessToken: [] }]);
    expect(document.paths['/open']?.get?.security).toBeUndefined();
    expect(document.paths['/open']?.get?.responses.default?.content).toHaveProperty([
      'application/problem+json',
    ]);
    expect(document.paths).not.toHaveProperty(['/health/live']);
    expect((await send({ url: '/docs/' })).statusCode).toBe(200);
  });

  it('serves its contract', async () => {
    const contract = (await send({ url: '/contract.json' })).json<ServiceContract>();
    expect(contract.service).toBe('user');
    expect(contract.emits['user.registered']).toMatchObject({ type: 'object' });
  });

  it('allows browsers from the listed origins only', async () => {
    const preflight = (origin: string) =>
      send({
        method: 'OPTIONS',
        url: '/things',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    expect((await preflight('http://web')).headers['access-control-allow-origin']).toBe('http://web');
    expect((await preflight('http://evil')).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('is ready once started, also while degraded, and not while draining', async () => {
    expect((await send({ url: '/health/ready' })).statusCode).toBe(503);
    readiness.started();
    const ready = await send({ url: '/health/ready' });
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toEqual({ status: 'degraded', checks: { database: 'ok', broker: 'degraded' } });
    readiness.startDraining();
    const draining = await send({ url: '/health/ready' });
    expect(draining.statusCode).toBe(503);
    expect(draining.json()).toMatchObject({ status: 'unready' });
    expect((await send({ url: '/health/live' })).json()).toEqual({ status: 'ok' });
  });
});
