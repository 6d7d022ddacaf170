import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus, type EventBus } from '@warren/event-bus';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { pino } from 'pino';
import { createService, routes } from '../src/index.js';
import { tinyService } from './tiny-service.js';

const log = pino({ level: 'silent' });

describe('createService', () => {
  let database: TestDatabase;
  let bus: EventBus;
  beforeEach(async () => {
    database = await testDatabase();
    bus = createMemoryEventBus();
  });
  afterEach(async () => {
    await bus.close();
    await database.close();
  });

  const environment = () => ({
    DATABASE_URL: database.url,
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
  });

  /** Connections that the service under test holds. */
  async function connections(): Promise<number> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      return rows[0]?.count ?? 0;
    } finally {
      await client.end();
    }
  }

  it('serves, shows metrics on the internal port only, and leaves nothing open when it stops', async () => {
    const service = await createService(tinyService(), environment(), { bus, log });
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
    const metrics = await (await fetch(`http://127.0.0.1:${service.internalPort}/metrics`)).text();
    expect(metrics).toContain('warren_outbox_backlog{service="user"');
    expect(metrics).toContain('warren_http_request_duration_seconds_bucket');
    expect(await connections()).toBeGreaterThan(0);
    await Promise.all([service.stop(), service.stop()]);
    await expect(fetch(`${service.url}/health/live`)).rejects.toThrow();
    await eventually(async () => expect(await connections()).toBe(0));
  });

  it.each([
    [
      'is unreachable',
      undefined,
      200,
      { status: 'degraded', checks: { database: 'ok', broker: 'degraded' } },
    ],
    [
      'has refused it since it began',
      "access to topic 'user.registered' refused for user 'payment'",
      503,
      {
        status: 'unready',
        checks: { database: 'ok', broker: 'failed' },
        details: { broker: 'the broker refuses what this service needs; the log says what' },
      },
    ],
  ])('reports its readiness if the broker %s', async (_, refused, status, health) => {
    const troubled: EventBus = {
      state: 'degraded',
      publishing: 'degraded',
      refused,
      publish: (event) => bus.publish(event),
      subscribe: (subscription) => bus.subscribe(subscription),
      close: async () => undefined,
    };
    const service = await createService(tinyService(), environment(), { bus: troubled, log });
    const answer = await fetch(`${service.url}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([status, health]);
    await service.stop();
  });

  it('does not close a bus that the caller brought', async () => {
    const service = await createService(tinyService(), environment(), { bus, log });
    await service.stop();
    await expect(bus.publish({ id: 'e1', type: 'user.updated', body: '{}' })).resolves.toBe('unroutable');
  });

  it('reports missing settings before it opens anything', async () => {
    await expect(createService(tinyService(), environment(), { log })).rejects.toThrow(
      /^AMQP_URL is missing: /,
    );
    expect(await connections()).toBe(0);
  });

  it('closes everything that it has opened if a door fails', async () => {
    const definition = tinyService({
      doors: () => {
        throw new Error('no keys');
      },
    });
    await expect(createService(definition, environment(), { bus, log })).rejects.toThrow('no keys');
    await eventually(async () => expect(await connections()).toBe(0));
  });

  it('closes everything that it has opened, also its listeners, if its port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      const INTERNAL_PORT = String((taken.address() as AddressInfo).port);
      const env = { ...environment(), INTERNAL_PORT };
      await expect(createService(tinyService(), env, { bus, log })).rejects.toThrow(/EADDRINUSE/);
      await eventually(async () => expect(await connections()).toBe(0));
    } finally {
      taken.close();
    }
  });

  it('starts background work last and stops it first', async () => {
    const seen: string[] = [];
    const background = {
      name: 'sweeper',
      start: () => void seen.push('started'),
      stop: async () => {
        seen.push(`stopped with ${await connections()} connections`);
      },
    };
    const service = await createService(tinyService({ background: [background] }), environment(), {
      bus,
      log,
    });
    // It asks the database, so that there is a connection to be closed.
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    await service.stop();
    expect(seen[0]).toBe('started');
    expect(seen[1]).toMatch(/^stopped with [1-9]/);
  });

  it('finishes a request in progress before it stops', async () => {
    let release = () => {};
    const arrived = new Promise<void>((isHere) => {
      release = isHere;
    });
    let answer = () => {};
    const slow = routes((http) => {
      http.get('/slow', { config: { auth: 'none' } }, async () => {
        release();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return { done: true };
      });
    });
    const service = await createService(tinyService({ doors: () => ({ http: [slow] }) }), environment(), {
      bus,
      log,
    });
    const response = fetch(`${service.url}/slow`);
    await arrived;
    const stopped = service.stop();
    await eventually(async () => {
      await expect(fetch(`${service.url}/health/live`)).rejects.toThrow();
    });
    answer();
    expect(await (await response).json()).toEqual({ done: true });
    await stopped;
  });

  it('is not ready while it waits for load balancers to notice, and stops waiting at a stop with hurry', async () => {
    const env = { ...environment(), DRAIN_SECONDS: '600' };
    const service = await createService(tinyService(), env, { bus, log });
    expect((await fetch(`${service.url}/health/live`)).headers.get('connection')).toBe('keep-alive');
    const stopped = service.stop();
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(503);
    const live = await fetch(`${service.url}/health/live`);
    // Nobody is to send a next request on a connection that is about to go.
    expect([live.status, live.headers.get('connection')]).toEqual([200, 'close']);
    await service.stop({ hurry: true });
    await stopped;
  });
});
