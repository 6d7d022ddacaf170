import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TestDatabase, testDatabase } from '@warren/testing';
import type pg from 'pg';
import { pino } from 'pino';
import { createPool } from '../src/database/pool.js';

const log = pino({ level: 'silent' });
const look = { name: 'look', text: 'SELECT id, word FROM thing WHERE id = $1', values: [1] };
const stale = { code: '0A000', routine: 'RevalidateCachedQuery' };

let database: TestDatabase;
let pool: pg.Pool;
let lent: pg.PoolClient[];
beforeEach(async () => {
  database = await testDatabase();
  pool = createPool({ url: database.url, max: 4, service: 'test', log });
  await pool.query(
    `CREATE TABLE thing (id int PRIMARY KEY, word char(3)); INSERT INTO thing VALUES (1, 'abc')`,
  );
  lent = [];
});
afterEach(async () => {
  for (const client of lent) client.release(true);
  await pool.end();
  await database.close();
});

async function lend(): Promise<pg.PoolClient> {
  const client = await pool.connect();
  lent.push(client);
  return client;
}

const change = () => pool.query('ALTER TABLE thing ALTER COLUMN word TYPE varchar(8)');

describe('a prepared statement whose table has changed', () => {
  it('hazard: fails on each connection that has prepared it', async () => {
    const client = await lend();
    await client.query('BEGIN');
    await client.query(look);
    await client.query('COMMIT');
    await change();
    await client.query('BEGIN');
    await expect(client.query(look)).rejects.toMatchObject(stale);
  });

  it('is prepared again and repeated outside of a transaction, for callers with promises and with callbacks', async () => {
    await pool.query(look);
    expect(pool.totalCount).toBe(1);
    await change();
    expect((await pool.query(look)).rows).toEqual([{ id: 1, word: 'abc' }]);
    await pool.query('ALTER TABLE thing ALTER COLUMN word TYPE text');
    const rows = await new Promise((resolve, reject) =>
      pool.query(look, (error: Error | null, result) => (error ? reject(error) : resolve(result.rows))),
    );
    expect(rows).toEqual([{ id: 1, word: 'abc' }]);
  });

  it('fails in a transaction, and works in the next one on every connection', async () => {
    const clients = [await lend(), await lend(), await lend()];
    for (const client of clients) await client.query(look);
    await change();
    const [first] = clients;
    await first?.query('BEGIN');
    await expect(first?.query(look)).rejects.toMatchObject(stale);
    await first?.query('ROLLBACK');
    for (const client of clients) {
      await client.query('BEGIN');
      expect((await client.query(look)).rows).toEqual([{ id: 1, word: 'abc' }]);
      await client.query('COMMIT');
    }
  });

  it('is not repeated after another error of the same code', async () => {
    const failing = { name: 'failing', text: 'SELECT 1 FROM thing GROUP BY 1 FOR UPDATE' };
    const client = await lend();
    await expect(client.query(failing)).rejects.toMatchObject({ code: '0A000' });
    await client.query(look);
    const { rows } = await client.query('SELECT name FROM pg_prepared_statements');
    expect(rows).toEqual([{ name: 'look' }]);
  });
});
