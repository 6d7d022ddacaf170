import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { diffMigrations } from '../src/database/diff.js';
import { migrateDatabase } from '../src/database/migrate.js';

const schema = `datasource db {
  provider = "postgresql"
}

model Thing {
  id   Int    @id
  name String
}
`;

describe('migrateDatabase', () => {
  let database: TestDatabase;
  let folder: string;
  let prisma: URL;
  beforeEach(async () => {
    database = await testDatabase();
    folder = await mkdtemp(join(tmpdir(), 'warren-migrate-'));
    prisma = pathToFileURL(`${folder}/`);
    await writeFile(join(folder, 'schema.prisma'), schema);
    await mkdir(join(folder, 'migrations'));
    await writeFile(join(folder, 'migrations/migration_lock.toml'), 'provider = "postgresql"\n');
  });
  afterEach(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  async function addMigration(name: string, sql: string): Promise<void> {
    await mkdir(join(folder, 'migrations', name));
    await writeFile(join(folder, 'migrations', name, 'migration.sql'), sql);
  }

  async function query<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const migrate = () => migrateDatabase({ url: database.url, prisma });

  it('applies what is missing, in order, and keeps the books of prisma migrate deploy', async () => {
    await addMigration('20260102000000_more', 'ALTER TABLE "Thing" ADD COLUMN name text NOT NULL;');
    await addMigration('20260101000000_init', 'CREATE TABLE "Thing" (id integer PRIMARY KEY);');
    expect(await migrate()).toEqual(['20260101000000_init', '20260102000000_more']);
    expect(await migrate()).toEqual([]);
    const books = await query('SELECT * FROM _prisma_migrations ORDER BY migration_name');
    expect(books).toHaveLength(2);
    expect(books[0]).toMatchObject({
      migration_name: '20260101000000_init',
      applied_steps_count: 1,
      logs: null,
    });
    expect(books[0]?.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(books[0]?.finished_at).toBeInstanceOf(Date);
  });

  it('lets instances that start at once take turns, longer than the engine would wait by itself', async () => {
    await addMigration(
      '20260101000000_slow',
      'SELECT pg_advisory_xact_lock(42); CREATE TABLE "Thing" (id integer PRIMARY KEY);',
    );
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('SELECT pg_advisory_lock(42)');
      const applied = Promise.all([migrate(), migrate(), migrate()]);
      applied.catch(() => {});
      await eventually(
        async () => {
          const waiting = await query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             AND query_start < clock_timestamp() - interval '10.5 s'`,
          );
          expect(waiting).toHaveLength(3);
        },
        { within: 45_000 },
      );
      await holder.query('SELECT pg_advisory_unlock(42)');
      expect((await applied).flat()).toEqual(['20260101000000_slow']);
      expect(await query('SELECT 1 FROM _prisma_migrations')).toHaveLength(1);
    } finally {
      await holder.end();
    }
  }, 90_000);

  it('fails on a migration that fails, and goes on failing until somebody mends it', async () => {
    await addMigration('20260101000000_wrong', 'CREATE TABLE nonsense (id no_such_type);');
    await expect(migrate()).rejects.toThrow(/no_such_type/);
    await expect(migrate()).rejects.toThrow(/20260101000000_wrong/);
  });

  it('diffMigrations tells what the migrations lack', async () => {
    expect(await diffMigrations({ server: database.url, prisma })).toContain('CREATE TABLE "Thing"');
    await addMigration(
      '20260101000000_init',
      'CREATE TABLE "Thing" (id integer CONSTRAINT "Thing_pkey" PRIMARY KEY);',
    );
    const rest = await diffMigrations({ server: database.url, prisma });
    expect(rest).toContain('ADD COLUMN     "name" TEXT NOT NULL');
    await addMigration('20260102000000_name', rest);
    expect(await diffMigrations({ server: database.url, prisma })).toBe('');
  });
});
