import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { pino } from 'pino';
import { diffMigrations } from '../src/database/diff.js';
import { migrateDatabase } from '../src/database/migrations.js';

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
    await mkdir(join(folder, 'migrations', name), { recursive: true });
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

  it('applies missing migrations in order, and records them as prisma migrate deploy does', async () => {
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

  it('lets instances that start at the same time take turns, however long one takes', async () => {
    await addMigration(
      '20260101000000_slow',
      'SELECT pg_sleep(4); CREATE TABLE "Thing" (id integer PRIMARY KEY);',
    );
    const applied = await Promise.all([migrate(), migrate(), migrate()]);
    expect(applied.flat()).toEqual(['20260101000000_slow']);
    expect(await query('SELECT 1 FROM _prisma_migrations')).toHaveLength(1);
  });

  it('keeps nothing of a migration that fails, and applies all of it once it is fixed', async () => {
    const sql = 'CREATE TABLE before_it (id integer); CREATE TABLE "Thing" (id no_such_type);';
    await addMigration('20260101000000_wrong', sql);
    for (const _ of ['at first', 'again']) {
      const cause = { message: 'type "no_such_type" does not exist' };
      await expect(migrate()).rejects.toMatchObject({
        message: 'migration 20260101000000_wrong failed',
        cause,
      });
      expect(await query(`SELECT FROM pg_class WHERE relname = 'before_it'`)).toEqual([]);
    }
    await addMigration('20260101000000_wrong', sql.replace('no_such_type', 'integer'));
    expect(await migrate()).toEqual(['20260101000000_wrong']);
  });

  it('applies functions that contain semicolons', async () => {
    const body = 'BEGIN PERFORM 1; RETURN 2; END';
    await addMigration(
      '20260101000000_function',
      `CREATE FUNCTION two() RETURNS integer LANGUAGE plpgsql AS $$ ${body} $$; SELECT two();`,
    );
    await migrate();
    expect(await query('SELECT two()')).toEqual([{ two: 2 }]);
  });

  it('refuses a migration that was applied with other content', async () => {
    await addMigration('20260101000000_init', 'CREATE TABLE "Thing" (id integer PRIMARY KEY);');
    await migrate();
    await addMigration('20260101000000_init', 'CREATE TABLE "Other" (id integer PRIMARY KEY);');
    await expect(migrate()).rejects.toThrow('migration 20260101000000_init was applied with other content');
  });

  it('refuses a migration that another program left half-way, until an operator marks it as rolled back', async () => {
    await addMigration('20260101000000_init', 'CREATE TABLE "Thing" (id integer PRIMARY KEY);');
    await migrate();
    await query('UPDATE _prisma_migrations SET finished_at = NULL; DROP TABLE "Thing"');
    await expect(migrate()).rejects.toThrow('migration 20260101000000_init was left half-way');
    await query('UPDATE _prisma_migrations SET rolled_back_at = now()');
    expect(await migrate()).toEqual(['20260101000000_init']);
  });

  it('refuses a database that has tables but no list of migrations', async () => {
    await query('CREATE TABLE "Thing" (id integer PRIMARY KEY)');
    await addMigration('20260101000000_init', 'CREATE TABLE "Other" (id integer PRIMARY KEY);');
    await expect(migrate()).rejects.toThrow('the database is not empty: it has a table Thing');
  });

  describe('while another transaction reads for long', () => {
    const hold = async () => {
      const reader = new pg.Client({ connectionString: database.url });
      await reader.connect();
      await reader.query('BEGIN; SELECT FROM "Thing"');
      return reader;
    };

    it('blocks writers for at most 2 s at a time, and migrates once the reader has ended', async () => {
      await addMigration('20260101000000_init', 'CREATE TABLE "Thing" (id serial PRIMARY KEY);');
      await migrate();
      await addMigration(
        '20260102000000_more',
        'CREATE TABLE beside (id integer); ALTER TABLE "Thing" ADD COLUMN name text;',
      );
      const reader = await hold();
      const retries: unknown[] = [];
      const log = pino({ level: 'info' }, { write: (line: string) => void retries.push(JSON.parse(line)) });
      const migrating = migrateDatabase({ url: database.url, prisma, log });
      try {
        let longestMs = 0;
        await eventually(async () => {
          const began = performance.now();
          await query('INSERT INTO "Thing" DEFAULT VALUES');
          longestMs = Math.max(longestMs, performance.now() - began);
          expect(retries.length).toBeGreaterThanOrEqual(2);
        });
        expect(longestMs).toBeLessThan(4_000);
        expect(retries).toContainEqual(expect.objectContaining({ what: 'migration 20260102000000_more' }));
        expect(await query(`SELECT FROM pg_class WHERE relname = 'beside'`)).toEqual([]);
      } finally {
        await reader.end();
      }
      expect(await migrating).toEqual(['20260102000000_more']);
    });
  });

  it('diffMigrations returns the SQL that the migrations lack', async () => {
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
