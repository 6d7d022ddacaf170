import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createService, type RunningService } from '@warren/service-kit';
import { eventually, type TestBroker, type TestDatabase, testBroker, testDatabase } from '@warren/testing';
import type { Presence } from '@warren/user-contract';
import pg from 'pg';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { user } from '../src/main.js';
import type { SignedIn } from './support/service.js';

const log = pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' });

describe('presence, over two instances', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  let pool: pg.Pool;
  let instances: RunningService[];
  const open: Socket[] = [];

  const start = () =>
    createService(
      user,
      {
        DATABASE_URL: database.url,
        AMQP_URL: broker.url,
        PORT: '0',
        INTERNAL_PORT: '0',
        HOST: '127.0.0.1',
        DRAIN_SECONDS: '0',
      },
      { log },
    );

  beforeAll(async () => {
    [database, broker] = await Promise.all([testDatabase(), testBroker()]);
    pool = new pg.Pool({ connectionString: database.url, max: 2 });
    pool.on('error', () => undefined);
    instances = [await start(), await start()];
  }, 60_000);
  afterEach(() => {
    for (const socket of open.splice(0)) socket.disconnect();
  });
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    await pool.end();
    await broker.close();
    await database.close();
  }, 60_000);

  async function register(): Promise<SignedIn> {
    const response = await fetch(`${instances[0]?.url}/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        email: `${randomUUID()}@example.org`,
        password: 'correct horse',
        displayName: 'A',
      }),
    });
    return (await response.json()) as SignedIn;
  }

  /** Opens a tab of this user at an instance. `heard` holds the presences that it received. */
  async function tab(person: SignedIn, instance: number) {
    const socket = io(`${instances[instance]?.url}/user`, {
      transports: ['websocket'],
      forceNew: true,
      auth: { token: person.accessToken },
    });
    open.push(socket);
    const heard: Presence[] = [];
    socket.on('presence.changed', (presence: Presence) => void heard.push(presence));
    await new Promise((resolve, reject) => {
      socket.once('session.ready', resolve);
      socket.once('connect_error', reject);
    });
    const command = (name: string, userIds: string[]) => socket.timeout(5_000).emitWithAck(name, { userIds });
    return {
      heard,
      command,
      watch: (id: string) => command('presence.watch', [id]),
      close: () => socket.disconnect(),
    };
  }

  const last = (heard: readonly Presence[]) => heard.at(-1)?.online;

  it('tells watchers when a user comes and goes on any instance, and counts many tabs as one user', async () => {
    const [ann, bob] = [await register(), await register()];
    const watching = await tab(ann, 0);
    expect(await watching.watch(bob.user.id)).toEqual({
      ok: true,
      data: { presences: [{ userId: bob.user.id, online: false, lastSeenAt: null }] },
    });
    const [first, second] = [await tab(bob, 1), await tab(bob, 0)];
    await eventually(() => expect(last(watching.heard)).toBe(true));
    first.close();
    const late = await tab(ann, 1);
    await eventually(async () => {
      expect(await late.watch(bob.user.id)).toMatchObject({ data: { presences: [{ online: true }] } });
    });
    second.close();
    await eventually(() => expect(last(watching.heard)).toBe(false));
    await eventually(() => expect(last(late.heard)).toBe(false));
    expect(watching.heard.map(({ online }) => online)).toEqual([true, false]);
    expect(watching.heard.at(-1)?.lastSeenAt).toMatch(/^\d{4}-/);
  });

  it('takes the users of a killed process offline when its lease ends', async () => {
    const [ann, bob] = [await register(), await register()];
    const killed = randomUUID();
    await pool.query(`INSERT INTO presence_nodes VALUES ($1, now() + interval '1 s')`, [killed]);
    await pool.query('INSERT INTO presence_connections (user_id, incarnation) VALUES ($1, $2)', [
      bob.user.id,
      killed,
    ]);
    const watching = await tab(ann, 0);
    expect(await watching.watch(bob.user.id)).toMatchObject({ data: { presences: [{ online: true }] } });
    await eventually(() => expect(last(watching.heard)).toBe(false), { within: 20_000 });
    expect((await pool.query('SELECT FROM presence_nodes WHERE incarnation = $1', [killed])).rowCount).toBe(
      0,
    );
  }, 30_000);

  it('records the users of a process again after its lease ran out', async () => {
    const [ann, bob] = [await register(), await register()];
    const watching = await tab(ann, 0);
    await watching.watch(bob.user.id);
    await tab(bob, 1);
    await eventually(() => expect(last(watching.heard)).toBe(true));
    await pool.query('DELETE FROM presence_nodes');
    await eventually(
      async () => {
        const { rows } = await pool.query(
          'SELECT count(*)::int AS n FROM presence_connections WHERE user_id = $1',
          [bob.user.id],
        );
        expect(rows).toEqual([{ n: 1 }]);
      },
      { within: 20_000 },
    );
    await eventually(async () => {
      const again = await watching.watch(bob.user.id);
      expect(again).toMatchObject({ data: { presences: [{ online: true }] } });
    });
  }, 30_000);

  it('stops telling about users who are no longer watched, and refuses to watch too many', async () => {
    const [ann, bob] = [await register(), await register()];
    const watching = await tab(ann, 0);
    await watching.watch(bob.user.id);
    expect(await watching.command('presence.unwatch', [bob.user.id])).toEqual({ ok: true, data: {} });
    const other = await tab(ann, 0);
    await other.watch(bob.user.id);
    await tab(bob, 1);
    await eventually(() => expect(last(other.heard)).toBe(true));
    expect(watching.heard).toEqual([]);
    for (let page = 0; page < 5; page += 1) {
      const ids = Array.from({ length: 100 }, () => randomUUID());
      expect(await watching.command('presence.watch', ids)).toMatchObject({ ok: true });
    }
    expect(await watching.watch(randomUUID())).toMatchObject({
      ok: false,
      error: { code: 'invalid-request', errors: [{ pointer: '/userIds', code: 'maxItems' }] },
    });
  });
});
