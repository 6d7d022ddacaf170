import { describe, expect, it } from '@jest/globals';
import { testDatabase } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';

describe('the messaging schema', () => {
  it('is made once, also when several instances start at once, and kept when they start again', async () => {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 8 });
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

  it('leaves nothing behind when it fails, and works when tried again', async () => {
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
