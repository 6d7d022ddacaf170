import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus, type MemoryEventBus } from '@warren/event-bus';
import { eventually, type FaultProxy, faultProxy, type TestDatabase, testDatabase } from '@warren/testing';
import type { RawClient, UnitOfWork } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { createPool } from '../src/database/pool.js';
import { createService, type RunningService, routes } from '../src/index.js';
import { type tinyContract, tinyService } from './tiny-service.js';

const log = pino({ level: 'silent' });

let database: TestDatabase;
let proxy: FaultProxy;
let url: string;
beforeAll(async () => {
  database = await testDatabase();
  const direct = new URL(database.url);
  proxy = await faultProxy({ host: direct.hostname, port: Number(direct.port || 5432) });
  direct.hostname = '127.0.0.1';
  direct.port = String(proxy.port);
  url = direct.href;
});
afterEach(() => proxy.resume());
afterAll(async () => {
  await proxy.close();
  await database.close();
});

describe('a connection whose server has silently disappeared', () => {
  const asked = async (pool: Pick<pg.Pool, 'query' | 'end'>, within: number) => {
    await pool.query('SELECT 1');
    proxy.stall();
    const answer = pool.query('SELECT 1').then(
      () => 'answered',
      (error: Error) => error.message,
    );
    const patience = new Promise((resolve) => setTimeout(() => resolve('waiting'), within));
    const outcome = await Promise.race([answer, patience]);
    proxy.cut();
    proxy.resume();
    await answer;
    await pool.end();
    return outcome;
  };

  it('hazard: keeps its queries waiting', async () => {
    expect(await asked(new pg.Pool({ connectionString: url, statement_timeout: 200 }), 1_500)).toBe(
      'waiting',
    );
  });

  it('guard: is closed, and its queries fail', async () => {
    const pool = createPool({ url, max: 1, service: 'test', log, silenceMs: 3_000 });
    expect(await asked(pool, 15_000)).toMatch(/^Connection terminated/);
  });
});

describe('a service whose database is unreachable', () => {
  let bus: MemoryEventBus;
  let service: RunningService;
  let held: (() => void)[];
  beforeAll(async () => {
    bus = createMemoryEventBus();
    held = [];
    const env = {
      DATABASE_URL: url,
      // Two for the pool, and one for the health check.
      DATABASE_POOL: '3',
      PORT: '0',
      INTERNAL_PORT: '0',
      HOST: '127.0.0.1',
      DRAIN_SECONDS: '0',
    };
    const doors = ({ uow }: { uow: UnitOfWork<RawClient, typeof tinyContract> }) => ({
      http: [
        routes((http) => {
          const open = { config: { auth: 'none' } } as const;
          http.post('/write', open, async () => {
            await uow.run((tx) => tx.$queryRawUnsafe('SELECT 1 AS one'));
            return { written: true };
          });
          http.post('/hold', open, async () => {
            await uow.run(() => new Promise<void>((resolve) => held.push(resolve)));
            return { held: true };
          });
        }),
      ],
    });
    service = await createService({ ...tinyService(), doors }, env, { bus, log });
  });
  afterAll(async () => {
    await service.stop();
    await bus.close();
  });

  const post = async (path: string) => {
    const response = await fetch(`${service.url}${path}`, { method: 'POST' });
    return { status: response.status, body: await response.json() };
  };
  const readiness = async () => (await fetch(`${service.url}/health/ready`)).status;
  const refused = {
    status: 503,
    body: expect.objectContaining({ code: 'service-unavailable', temporary: true }),
  };

  it('answers 503, is not ready, and recovers by itself', async () => {
    expect(await post('/write')).toMatchObject({ status: 200 });
    proxy.refuse();
    expect(await Promise.all(Array.from({ length: 20 }, () => post('/write')))).toEqual(
      Array(20).fill(refused),
    );
    expect(await readiness()).toBe(503);
    proxy.resume();
    await eventually(async () => expect(await readiness()).toBe(200));
    expect(await post('/write')).toMatchObject({ status: 200 });
  });

  it('is ready while all connections of its pool are in use', async () => {
    const holding = [post('/hold'), post('/hold')];
    await eventually(() => expect(held).toHaveLength(2));
    const waiting = post('/write');
    expect(await readiness()).toBe(200);
    for (const release of held.splice(0)) release();
    expect(await Promise.all([...holding, waiting])).toMatchObject(Array(3).fill({ status: 200 }));
  });

  it('is not ready while the database does not answer, and ready again once it does', async () => {
    expect(await readiness()).toBe(200);
    proxy.stall();
    expect(await readiness()).toBe(503);
    proxy.cut();
    proxy.resume();
    await eventually(async () => expect(await readiness()).toBe(200));
  });

  it('is ready at once, over a new connection, if the connection of the health check was lost', async () => {
    expect(await readiness()).toBe(200);
    proxy.cut();
    expect(await readiness()).toBe(200);
  });

  it('answers 503 to a request that waits too long for a connection', async () => {
    const holding = [post('/hold'), post('/hold')];
    await eventually(() => expect(held).toHaveLength(2));
    expect(await Promise.all(Array.from({ length: 20 }, () => post('/write')))).toEqual(
      Array(20).fill(refused),
    );
    for (const release of held.splice(0)) release();
    expect(await Promise.all(holding)).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await post('/write')).toMatchObject({ status: 200 });
  });
});
