import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import type { Principal } from '@warren/realtime';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { clientAddress } from '../src/http/client-address.js';
import { Readiness } from '../src/http/health.js';
import { createInternalListener } from '../src/http/internal-listener.js';
import { routes } from '../src/http/routes.js';
import { Metrics } from '../src/observe/metrics.js';

const logged: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => logged.push(line) });

const verify = async (token: string): Promise<Principal> => {
  if (token !== 'admin' && token !== 'person') throw new AppError('unauthenticated');
  return { userId: token, sessionId: 's1', roles: token === 'admin' ? ['admin'] : [], expiresAt: Date.now() };
};

const listener = (path: string) =>
  createInternalListener({
    metrics: new Metrics('user', 'n1'),
    readiness: new Readiness({ database: () => 'ok' }),
    log,
    routes: [
      routes((http) => {
        http.get(path, async () => ({ ok: true }));
        http.put('/admin/things', async ({ principal }) => ({ by: principal.userId }));
      }),
    ],
    verify,
    addressOf: clientAddress(false),
  });

describe('the internal listener', () => {
  let http: FastifyInstance;
  let base: string;
  beforeAll(async () => {
    http = await listener('/internal/list');
    base = await http.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => http.close());

  it('answers liveness and readiness probes, also while the public port accepts no connections', async () => {
    expect(await ask('GET', '/health/live')).toEqual({ status: 'ok' });
    expect(await ask('GET', '/health/ready')).toMatchObject({
      status: 'unready',
      checks: { database: 'ok', starting: 'failed' },
    });
  });

  const ask = async (method: string, path: string, authorization?: string) => {
    const headers = { ...(authorization && { authorization }) };
    return (await fetch(`${base}${path}`, { method, headers })).json();
  };

  it('serves internal routes to other services without a token', async () => {
    expect(await ask('GET', '/internal/list')).toEqual({ ok: true });
  });

  it('serves operator routes to admins only', async () => {
    const put = (authorization?: string) => ask('PUT', '/admin/things', authorization);
    expect(await put()).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await put('Bearer nobody')).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await put('Bearer person')).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await put('Bearer admin')).toEqual({ by: 'admin' });
  });

  it('logs who called an operator route, also if it was refused', async () => {
    logged.length = 0;
    await ask('PUT', '/admin/things', 'Bearer person');
    await ask('PUT', '/admin/things', 'Bearer admin');
    const audited = logged.map((line) => JSON.parse(line)).filter(({ audit }) => audit);
    expect(audited).toMatchObject([
      { method: 'PUT', url: '/admin/things', status: 403 },
      { method: 'PUT', url: '/admin/things', status: 200, userId: 'admin' },
    ]);
  });

  it('refuses routes that are neither internal nor for operators', async () => {
    await expect(listener('/things')).rejects.toThrow('/things is neither below');
  });
});
