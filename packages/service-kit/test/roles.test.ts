import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus } from '@warren/event-bus';
import { type TestDatabaseOfRoles, testDatabase, testDatabaseOfRoles } from '@warren/testing';
import { Retention } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { createService } from '../src/index.js';
import { migrateService } from '../src/service/database.js';
import { tinyService } from './tiny-service.js';

const log = pino({ level: 'silent' });
const dayMs = 86_400_000;

describe('a database that one role owns and another works on', () => {
  let database: TestDatabaseOfRoles;
  let worker: pg.Pool;
  beforeAll(async () => {
    database = await testDatabaseOfRoles();
    worker = new pg.Pool({ connectionString: database.workerUrl, max: 2 });
    worker.on('error', () => undefined);
    const asBefore15 = new pg.Client({ connectionString: database.url });
    await asBefore15.connect();
    await asBefore15.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
    await asBefore15.end();
    await migrate();
  }, 90_000);
  afterAll(async () => {
    await worker.end();
    await database.close();
  });

  const environment = () => ({
    DATABASE_URL: database.workerUrl,
    MIGRATE_DATABASE_URL: database.ownerUrl,
    AMQP_URL: 'amqp://nobody@127.0.0.1:1',
    LOG_LEVEL: 'silent',
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
  });

  const migrate = () => migrateService(tinyService(), environment());

  it('serves with a role that may only read and write rows', async () => {
    const { MIGRATE_DATABASE_URL, AMQP_URL, ...env } = environment();
    const bus = createMemoryEventBus();
    const service = await createService(tinyService(), { ...env, MIGRATE: 'off' }, { bus, log });
    try {
      expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
      const { rows } = await worker.query(
        `INSERT INTO messaging.feed_head (user_id, seq) VALUES ('u', 1) RETURNING seq`,
      );
      expect(rows).toEqual([{ seq: '1' }]);
    } finally {
      await service.stop();
      await bus.close();
    }
  });

  it.each([
    'ALTER TABLE messaging.outbox DISABLE TRIGGER ALL',
    'ALTER TABLE messaging.outbox ADD COLUMN more text',
    'DROP TABLE messaging.feed',
    'TRUNCATE messaging.feed',
    'CREATE TABLE public.more ()',
    'CREATE TABLE messaging.more ()',
    'CREATE TEMPORARY TABLE more ()',
    'CREATE TRIGGER more BEFORE INSERT ON messaging.feed EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'DELETE FROM messaging.migration',
    'DELETE FROM _prisma_migrations',
    'ALTER FUNCTION messaging.make_day RESET ALL',
    'SET session_replication_role = replica',
    `SELECT messaging.make_day('feed', '2030-01-01')`,
    `SELECT messaging.detach_day('outbox_rest', '2030-01-01', now())`,
  ])('does not allow the service role: %s', async (sql) => {
    await expect(worker.query(sql)).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|22023)$/) });
  });

  it('lets the service role create, use and drop partitions for retention', async () => {
    const round = async (clock: Date) => {
      const retention = new Retention({ pool: worker, log, clock: () => clock });
      expect(await retention.round()).toBe(true);
      return retention.stats;
    };
    const noon = new Date('2030-06-15T12:00:00Z');
    expect(await round(noon)).toMatchObject({ partitionsMade: 8, gaveWay: 0 });
    await worker.query(
      `INSERT INTO messaging.inbox (consumer, event_id) VALUES ('user', '0197738a-b800-7000-8000-000000000000')`,
    );
    const { partitionsDropped } = await round(new Date(noon.getTime() + 40 * dayMs));
    expect(partitionsDropped).toBeGreaterThan(0);
  });

  it('lets its owner migrate again, and grants rights on new tables', async () => {
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query('CREATE TABLE later (id serial)');
    await worker.query('INSERT INTO later DEFAULT VALUES');
    await owner.query(`REVOKE ALL ON later FROM "${new URL(database.workerUrl).username}"`);
    await owner.end();
    await migrate();
    await worker.query('INSERT INTO later DEFAULT VALUES');
  });

  it('is refused if the service role could give itself more rights', async () => {
    const env = { ...environment(), DATABASE_URL: database.url };
    await expect(migrateService(tinyService(), env)).rejects.toThrow(
      / is a superuser, so MIGRATE_DATABASE_URL /,
    );
  });

  it('is refused if another role owns its tables, with an error that says what to do', async () => {
    const before = await testDatabase();
    try {
      const elsewhere = (url: string) =>
        Object.assign(new URL(url), { pathname: new URL(before.url).pathname }).href;
      const { MIGRATE_DATABASE_URL: ownerUrl, ...env } = environment();
      await migrateService(tinyService(), { ...env, DATABASE_URL: before.url });
      await expect(
        migrateService(tinyService(), {
          ...env,
          DATABASE_URL: elsewhere(database.workerUrl),
          MIGRATE_DATABASE_URL: elsewhere(ownerUrl),
        }),
      ).rejects.toThrow(/belongs to the role .* REASSIGN OWNED BY .* TO /);
    } finally {
      await before.close();
    }
  });
});
