import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus, type EventBus } from '@warren/event-bus';
import { migrateDatabase, type RunningService } from '@warren/service-kit';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import pg from 'pg';
import { pino } from 'pino';
import { keyLeadMs } from '../src/domain/key-schedule.js';
import { UnreadableKeyError } from '../src/domain/sealed-keys.js';
import { loadKeysAtStart } from '../src/operations/keep-signing-keys.js';
import { query } from './support/query.js';
import { callOf, password, type SignedIn, startUserService, TestClock } from './support/service.js';

const minute = 60_000;
const day = 24 * 60 * minute;
const log = pino({ level: 'silent' });

describe('signing keys', () => {
  let database: TestDatabase;
  let bus: EventBus;
  let clock: TestClock;
  let services: RunningService[];
  beforeEach(async () => {
    [database, bus, clock, services] = [await testDatabase(), createMemoryEventBus(), new TestClock(), []];
  });
  afterEach(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await bus.close();
    await database.close();
  });

  async function start(env: Record<string, string> = {}): Promise<RunningService> {
    const service = await startUserService(database, bus, { clock, every: 20, env });
    services.push(service);
    return service;
  }
  const stop = async (service: RunningService) => {
    services = services.filter((each) => each !== service);
    await service.stop();
  };
  const kids = async ({ url }: RunningService) =>
    (await callOf(url)<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }) => kid);
  const eventuallyKids = (service: RunningService, check: (found: unknown[]) => void) =>
    eventually(async () => {
      const found = await kids(service);
      check(found);
      return found;
    });
  const signIn = async ({ url }: RunningService) =>
    (await callOf(url)<SignedIn>('POST', '/sessions', { email: 'ann@example.com', password })).body
      .accessToken;
  const signer = async (service: RunningService) => decodeProtectedHeader(await signIn(service)).kid;
  const me = async ({ url }: RunningService, token: string) =>
    (await callOf(url)('GET', '/users/me', undefined, token)).status;
  const register = ({ url }: RunningService) =>
    callOf(url)('POST', '/users', { email: 'ann@example.com', password, displayName: 'Ann' });
  const stored = () => query(database.url, 'SELECT id, private_jwk FROM signing_keys ORDER BY signs_from');

  it('rotate without a restart on all instances, and are deleted after their last token has expired', async () => {
    // The test advances the clock by the lifetime of a key. Sessions must not expire before.
    const sessionsLast = { SESSION_DAYS: '60' };
    const [one, two] = [await start(sessionsLast), await start(sessionsLast)];
    await register(one);
    const [first] = await kids(one);
    expect(await kids(two)).toEqual([first]);
    const early = await signIn(one);

    clock.advance(30 * day - keyLeadMs + minute);
    for (const each of [one, two]) await eventuallyKids(each, (found) => expect(found).toHaveLength(2));
    const [second] = (await kids(one)).filter((kid) => kid !== first);
    expect((await kids(two)).sort()).toEqual([first, second].sort());
    for (const each of [one, two]) expect(await signer(each)).toBe(first);

    clock.advance(keyLeadMs);
    for (const each of [one, two]) expect(await signer(each)).toBe(second);
    const late = await signIn(two);
    for (const each of [one, two]) {
      expect(await me(each, early)).toBe(200);
      expect(await me(each, late)).toBe(200);
    }

    clock.advance(900_000);
    await start();
    expect(await kids(two)).toContain(first);
    clock.advance(3 * minute);
    for (const each of [one, two]) await eventuallyKids(each, (found) => expect(found).toEqual([second]));
    expect(await stored()).toHaveLength(1);
    expect(await me(one, late)).toBe(200);
  }, 120_000);

  describe('in the database', () => {
    const SIGNING_KEY_SECRET = 'a secret of more than thirty-two characters';

    it('are stored in plain text without a secret', async () => {
      await start();
      expect(await stored()).toMatchObject([{ private_jwk: { kty: 'EC', d: expect.any(String) } }]);
    });

    it('are sealed with a secret, and sign after a restart', async () => {
      const one = await start({ SIGNING_KEY_SECRET });
      await register(one);
      expect(Object.keys((await stored())[0]?.private_jwk as object).sort()).toEqual([
        'data',
        'iv',
        'sealed',
        'tag',
      ]);
      const token = await signIn(one);
      await stop(one);
      const again = await start({ SIGNING_KEY_SECRET });
      expect(await me(again, token)).toBe(200);
      expect(await signer(again)).toBe(decodeProtectedHeader(token).kid);
    });

    it('are sealed when a secret is set, and again when it changes', async () => {
      const open = await start();
      const before = await kids(open);
      await stop(open);
      const sealing = await start({ SIGNING_KEY_SECRET });
      const sealed = await stored();
      expect(JSON.stringify(sealed)).not.toContain('"d"');
      await stop(sealing);
      const next = {
        SIGNING_KEY_SECRET: `not ${SIGNING_KEY_SECRET}`,
        SIGNING_KEY_SECRET_PREVIOUS: SIGNING_KEY_SECRET,
      };
      await stop(await start(next));
      expect(await stored()).not.toEqual(sealed);
      const last = await start({ SIGNING_KEY_SECRET: next.SIGNING_KEY_SECRET });
      expect(await kids(last)).toEqual(before);
    });

    it('prevent the start of a service with another secret, and stay unchanged', async () => {
      await stop(await start({ SIGNING_KEY_SECRET }));
      const before = await stored();
      await expect(start({ SIGNING_KEY_SECRET: `not ${SIGNING_KEY_SECRET}` })).rejects.toThrow(
        UnreadableKeyError,
      );
      await expect(start()).rejects.toThrow(/SIGNING_KEY_SECRET does not open/);
      expect(await stored()).toEqual(before);
    });
  });

  describe('that cannot be loaded at start', () => {
    it('are requested again, so that a slow database does not end the process', async () => {
      await migrateDatabase({ url: database.url, prisma: new URL('../prisma/', import.meta.url) });
      const holder = new pg.Client({ connectionString: database.url });
      await holder.connect();
      try {
        await holder.query('BEGIN');
        await holder.query('LOCK TABLE signing_keys');
        const starting = start();
        starting.catch(() => undefined);
        await eventually(async () => {
          await holder.query('SELECT pg_stat_clear_snapshot()');
          const { rowCount } = await holder.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%signing_keys%'`);
          expect(rowCount).toBe(1);
        });
        await holder.query('ROLLBACK');
        expect(await kids(await starting)).toHaveLength(1);
      } finally {
        await holder.end();
      }
    });

    it('are requested five times before the last error is thrown', async () => {
      let tries = 0;
      const failing = async () => {
        tries += 1;
        throw new Error(`failure ${tries}`);
      };
      await expect(loadKeysAtStart(failing, log, { firstMs: 1, maxMs: 1 })).rejects.toThrow('failure 5');
    });
  });
});
