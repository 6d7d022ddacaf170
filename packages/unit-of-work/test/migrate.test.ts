import { describe, expect, it } from '@jest/globals';
import { eventually, testDatabase } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { migrateAsOlderBuild } from './support/older-schema.js';

describe('the schema of the kit', () => {
  it('is created once when several instances start at once, and kept when they start again', async () => {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 8 });
    // A connection that is on its way out when the database is dropped.
    pool.on('error', () => undefined);
    const epoch = async () => (await pool.query('SELECT epoch FROM messaging.meta')).rows;
    try {
      await Promise.all(Array.from({ length: 6 }, () => migrateMessaging(pool)));
      const first = await epoch();
      await migrateMessaging(pool);
      expect(await epoch()).toEqual(first);
      expect(first).toEqual([{ epoch: expect.stringMatching(/^[0-9a-f]{16}$/) }]);
      const { rows } = await pool.query('SELECT version FROM messaging.migration ORDER BY version');
      expect(rows).toEqual(rows.map((_, index) => ({ version: index + 1 })));
      expect(rows.length).toBeGreaterThan(0);
    } finally {
      await pool.end();
      await database.close();
    }
  });

  it('has no function that every role may call', async () => {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    try {
      await migrateMessaging(pool);
      const { rows } = await pool.query(
        `SELECT proname FROM pg_proc
         WHERE pronamespace = 'messaging'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')`,
      );
      expect(rows).toEqual([]);
    } finally {
      await pool.end();
      await database.close();
    }
  });

  it('is not created if a migration fails, and is created by the next one', async () => {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    try {
      await pool.query('CREATE SCHEMA messaging; CREATE TABLE messaging.idempotency ()');
      await expect(migrateMessaging(pool)).rejects.toMatchObject({ code: '42P07' });
      await pool.query('DROP TABLE messaging.idempotency');
      await migrateMessaging(pool);
    } finally {
      await pool.end();
      await database.close();
    }
  });
});

describe('a schema of an older build', () => {
  it('is migrated version by version, without blocking older instances while a reader holds a lock', async () => {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 4 });
    // The database is dropped by force, so that a test that failed halfway leaves no connection behind.
    pool.on('error', () => undefined);
    const gaveWay: unknown[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void gaveWay.push(JSON.parse(line)) });
    try {
      await migrateAsOlderBuild(pool, 3);
      const reader = await pool.connect();
      await reader.query('BEGIN; SELECT FROM messaging.meta');
      const migrating = migrateMessaging(pool, { log });
      migrating.catch(() => undefined);
      let longestMs = 0;
      await eventually(async () => {
        const began = performance.now();
        // What an instance does to see whether the database takes writes.
        await pool.query('UPDATE messaging.meta SET one = true');
        longestMs = Math.max(longestMs, performance.now() - began);
        expect(gaveWay.length).toBeGreaterThanOrEqual(2);
      });
      expect(longestMs).toBeLessThan(4_000);
      await reader.query('COMMIT');
      reader.release();
      await migrating;
      const { rows } = await pool.query('SELECT count(*)::int AS versions FROM messaging.migration');
      expect(rows[0]?.versions).toBeGreaterThan(3);
    } finally {
      await database.close();
      await pool.end();
    }
  });
});
