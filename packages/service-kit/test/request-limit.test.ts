import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import type { Principal } from '@warren/realtime';
import { userContract } from '@warren/user-contract';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { clientAddress } from '../src/http/client-address.js';
import { Readiness } from '../src/http/health.js';
import { MinuteCounts, perMinute, RequestLimit } from '../src/http/request-limit.js';
import { routes } from '../src/http/routes.js';
import { addRoutes, createHttp } from '../src/http/server.js';
import { Metrics } from '../src/observe/metrics.js';

const most = 20;
const codes: Readonly<Record<string, 'unauthenticated' | 'token-expired' | 'service-unavailable'>> = {
  bad: 'unauthenticated',
  old: 'token-expired',
  away: 'service-unavailable',
};

const verify = async (token: string): Promise<Principal> => {
  const code = codes[token];
  if (code) throw new AppError(code);
  return { userId: token, sessionId: 's', roles: [], expiresAt: Date.now() + 60_000 };
};

const doors = routes((http) => {
  http.get('/things', async () => ({}));
  http.get('/others/:id', async () => ({}));
  http.delete('/things', async () => ({}));
  http.get('/own', { config: { rateLimit: perMinute(5) } }, async () => ({}));
  http.get('/open', { config: { auth: 'none' } }, async () => ({}));
  http.get('/keys', { config: { auth: 'none', unlimited: true } }, async () => ({}));
});

let http: FastifyInstance;
let base: string;
beforeAll(async () => {
  const limit = new RequestLimit(most, () => 0);
  const readiness = new Readiness({});
  readiness.started();
  http = await createHttp({
    addressOf: clientAddress(true),
    contract: userContract,
    corsOrigins: ['*'],
    readiness,
    metrics: new Metrics('user', 'n1'),
    log: pino({ level: 'silent' }),
    limit,
  });
  await addRoutes(http, [doors], verify, limit);
  await http.listen({ host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`;
});
afterAll(() => http.close());

interface Asking {
  path?: string;
  method?: string;
  token?: string;
  from?: string;
}

async function ask({ path = '/things', method = 'GET', token, from = '192.0.2.1' }: Asking) {
  const response = await fetch(base + path, {
    method,
    headers: { 'x-forwarded-for': from, ...(token && { authorization: `Bearer ${token}` }) },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

/** Sends `count` requests at the same time, and counts the responses by status. */
async function tally(count: number, asking: Asking): Promise<Record<number, number>> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(asking)));
  const statuses: Record<number, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
}

describe('a person who sends requests as fast as they can', () => {
  it('is limited over all routes together, while others are served', async () => {
    const [fast, other] = await Promise.all([
      tally(most * 3, { token: 'mallory' }),
      tally(most, { token: 'ada' }),
    ]);
    expect(fast).toEqual({ 200: most, 429: most * 2 });
    expect(other).toEqual({ 200: most });
    for (const asking of [{ path: '/others/7' }, { method: 'DELETE' }, { method: 'HEAD' }])
      expect((await ask({ ...asking, token: 'mallory' })).status).toBe(429);
  });

  it('gets a problem that says when the limit ends', async () => {
    await tally(most, { token: 'eve' });
    const { status, headers, text } = await ask({ token: 'eve' });
    expect(status).toBe(429);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(text)).toMatchObject({ code: 'rate-limited', status: 429, temporary: true });
    expect(headers.get('retry-after')).toBe('60');
  });

  it('may also send what a route with a limit of its own allows', async () => {
    expect(await tally(10, { path: '/own', token: 'carol' })).toEqual({ 200: 5, 429: 5 });
    expect(await tally(most, { token: 'carol' })).toEqual({ 200: most });
  });
});

describe('requests without a valid token', () => {
  it.each([
    [1, 'ask for an open route', { path: '/open' }, 200],
    [2, 'ask for an unknown path', { path: '/nowhere' }, 404],
    [3, 'ask for the documentation', { path: '/docs/' }, 200],
    [4, 'ask for the OpenAPI document', { path: '/openapi.json' }, 200],
    [5, 'have no token', {}, 401],
    [6, 'have an invalid token', { token: 'bad' }, 401],
    [7, 'have an expired token', { token: 'old' }, 401],
  ] as const)('count for their network (%i): those that %s', async (octet, _, asking, status) => {
    const from = `198.51.100.${octet}`;
    const answers = await tally(most * 10 + 7, { ...asking, from });
    expect(answers).toEqual({ [status]: most * 10, 429: 7 });
    expect((await ask({ ...asking, from: `203.0.113.${octet}` })).status).toBe(status);
    expect((await ask({ token: `somebody-${octet}`, from })).status).toBe(200);
  });

  it('count together for all addresses of an IPv6 /64 network', async () => {
    await tally(most * 10, { path: '/open', from: '2001:db8:1:2::1' });
    expect((await ask({ path: '/open', from: '2001:db8:1:2:3:4:5:6' })).status).toBe(429);
    expect((await ask({ path: '/open', from: '2001:db8:1:3::1' })).status).toBe(200);
  });

  it('do not count while the keys cannot be fetched', async () => {
    expect(await tally(most * 10 + 7, { token: 'away', from: '192.0.2.77' })).toEqual({ 503: most * 10 + 7 });
  });
});

it('health and public keys are served without a limit', async () => {
  const from = '192.0.2.99';
  for (const path of ['/health/live', '/health/ready', '/keys'])
    expect(await tally(most * 10 + 7, { path, from })).toEqual({ 200: most * 10 + 7 });
});

it('the OpenAPI document says which routes are limited', async () => {
  const document = JSON.parse((await ask({ path: '/openapi.json' })).text) as {
    paths: Record<string, { get?: { responses: Record<string, unknown> } }>;
  };
  const limited = (path: string) => document.paths[path]?.get?.responses['429'] !== undefined;
  expect(['/things', '/own', '/open', '/keys'].map(limited)).toEqual([true, true, true, false]);
});

describe('counts by minute', () => {
  it('start again with each minute', () => {
    let now = 5;
    const counts = new MinuteCounts(() => now);
    expect([1, 2, 3].map(() => counts.add('a', 2))).toEqual([undefined, undefined, 60]);
    now += 59_500;
    expect(counts.add('a', 2)).toBe(1);
    now += 500;
    expect(counts.add('a', 2)).toBeUndefined();
  });

  it('are kept for a bounded number of keys, and for a key that keeps coming', () => {
    const counts = new MinuteCounts(() => 0, 1_000);
    for (let n = 0; n < 100_000; n += 1) {
      counts.add(`stranger-${n}`, 100);
      if (n % 500 === 0) counts.add('mallory', 100);
    }
    expect(counts.size).toBe(1_000);
    expect(counts.add('mallory', 100)).toBeGreaterThan(0);
  });
});
