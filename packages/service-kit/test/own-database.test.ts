import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus } from '@warren/event-bus';
import { type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { pino } from 'pino';
import { createService } from '../src/index.js';
import { migrate, migrateService } from '../src/service/database.js';
import { tinyContract, tinyService } from './tiny-service.js';

const log = pino({ level: 'silent' });

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.close());

const environment = (more: Record<string, string> = {}) => ({
  DATABASE_URL: database.url,
  AMQP_URL: 'amqp://nobody@127.0.0.1:1',
  LOG_LEVEL: 'silent',
  PORT: '0',
  INTERNAL_PORT: '0',
  HOST: '127.0.0.1',
  DRAIN_SECONDS: '0',
  ...more,
});

async function query<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const other = (name = 'payment') => ({ ...tinyService(), contract: { ...tinyContract, service: name } });

const start = async (definition: ReturnType<typeof tinyService>, more: Record<string, string> = {}) => {
  const { AMQP_URL, ...env } = environment(more);
  const bus = createMemoryEventBus();
  const service = await createService(definition, env, { bus, log }).finally(() => bus.close());
  await service.stop();
};

describe('a database', () => {
  it('belongs to the service that migrated it first, and no other service migrates it or works on it', async () => {
    await migrateService(tinyService(), environment());
    const refused = /^the database \S+ belongs to the service user; payment needs one of its own/;
    await expect(migrateService(other(), environment())).rejects.toThrow(refused);
    await expect(start(other())).rejects.toThrow(refused);
    await expect(start(other(), { MIGRATE: 'off' })).rejects.toThrow(refused);
    await start(tinyService());
  });

  it('belongs to one service if several start on it at the same time', async () => {
    const outcomes = await Promise.allSettled(
      ['user', 'payment', 'notification'].map((name) => migrateService(other(name), environment())),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('is recognized by its migrations if it was made before databases recorded their service', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warren-own-'));
    try {
      const file = join(folder, 'migrations/20260101000000_init/migration.sql');
      await mkdir(dirname(file), { recursive: true });
      const prisma = pathToFileURL(`${folder}/`);
      const config = {
        DATABASE_URL: database.url,
        MIGRATE_DATABASE_URL: undefined,
        MESSAGING_SCHEMA: 'messaging',
      };
      await writeFile(file, 'CREATE TABLE of_user ()');
      await migrate({ config, service: 'user', prisma, log });
      await query('UPDATE messaging.meta SET service = NULL');
      await writeFile(file, 'CREATE TABLE of_payment ()');
      await expect(migrate({ config, service: 'payment', prisma, log })).rejects.toThrow(
        'made by migrations that are not those of payment',
      );
      expect(await query('SELECT service FROM messaging.meta')).toEqual([{ service: null }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['an address', () => `${database.url}?schema=app`, 'DATABASE_URL: schema=app is not possible'],
    [
      'the options of an address',
      () => `${database.url}?options=${encodeURIComponent('-c search_path=app,public')}`,
      'tables would be looked for in app',
    ],
  ])('is refused before anything is created if %s names another schema', async (_, url, sentence) => {
    await query('CREATE SCHEMA app');
    await expect(migrateService(tinyService(), environment({ DATABASE_URL: url() }))).rejects.toThrow(
      sentence,
    );
    await expect(start(tinyService(), { DATABASE_URL: url(), MIGRATE: 'off' })).rejects.toThrow(sentence);
    expect(await query(`SELECT FROM pg_class WHERE relname = '_prisma_migrations'`)).toEqual([]);
  });

  it('is refused without showing its password if its address cannot be parsed', async () => {
    const refused = migrateService(
      tinyService(),
      environment({ DATABASE_URL: 'postgres://u:pa#ss@host:1/db' }),
    );
    await expect(refused).rejects.toThrow('DATABASE_URL is not a URL');
    await expect(refused).rejects.not.toThrow('ss@host');
  });
});
