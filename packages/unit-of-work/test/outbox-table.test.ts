import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { createOutboxTable } from '../src/outbox/table.js';
import { Schema } from '../src/schema/schema.js';
import { type Fixture, fixture } from './support/fixture.js';

const limits = { leaseMs: 15_000, transactionMs: 10_000, fullLookMs: 3_600_000 };

describe('a poll of the outbox', () => {
  let db: Fixture;
  beforeAll(async () => {
    db = await fixture();
  });
  afterAll(() => db.close());
  beforeEach(() => db.sql('TRUNCATE messaging.outbox'));

  async function row({
    created = 'now()',
    free = created,
  }: {
    created?: string;
    free?: string;
  } = {}): Promise<string> {
    const id = uuidv7();
    await db.sql(
      `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until)
      VALUES ($1, 'note.written', '{}', ${created}, ${free})`,
      [id],
    );
    return id;
  }

  const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);

  it('claims those rows first that are free for longest, whether a relay had claimed them before or not', async () => {
    const table = createOutboxTable(db.pool, new Schema(), limits);
    const crashed = await row({ created: `now() - interval '5 min'`, free: `now() - interval '4 min'` });
    const waiting = await row({ created: `now() - interval '3 min'` });
    const released = await row({ created: `now() - interval '5 min'`, free: `now() - interval '2 min'` });
    const fresh = await row();
    const order: string[] = [];
    for (const _each of [1, 2, 3, 4]) order.push(...ids(await table.claim(1)));
    expect(order).toEqual([crashed, waiting, released, fresh]);
  });

  it('tells rows that a relay had claimed before from new ones', async () => {
    const table = createOutboxTable(db.pool, new Schema(), limits);
    const had = await row({ free: `now() - interval '1 ms'`, created: `now() - interval '1 min'` });
    await db.sql(`INSERT INTO messaging.outbox (id, type, body) VALUES ($1, 'note.written', '{}')`, [
      uuidv7(),
    ]);
    const claimed = await table.claim(10);
    expect(claimed).toHaveLength(2);
    for (const { id, again } of claimed) expect(again).toBe(id === had);
  });

  it('reads only new rows while an old snapshot keeps all published ones', async () => {
    const reader = await db.pool.connect();
    try {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
      await publish(20_000);
      const { pool, blocks } = counting(db.pool);
      const table = createOutboxTable(pool, new Schema(), limits);
      await table.claim(100);
      const [atFirst] = blocks.splice(0);
      const late = await row();
      expect(ids(await table.claim(100))).toEqual([late]);
      expect((await table.count(100_001)).unpublished).toBe(1);
      // The hazard: without a floor each poll reads them all.
      expect(atFirst).toBeGreaterThan(1_000);
      for (const read of blocks) expect(read).toBeLessThan(100);
    } finally {
      await reader.query('ROLLBACK');
      reader.release();
    }
  });

  it('finds rows below the floor when it reads all rows', async () => {
    const table = createOutboxTable(db.pool, new Schema(), { ...limits, fullLookMs: 500 });
    expect(await table.claim(10)).toEqual([]);
    const late = await row({ created: `now() - interval '1 hour'` });
    await eventually(async () => expect(ids(await table.claim(10))).toEqual([late]));
  });

  it('does not skip rows that it left when there were more than it could claim', async () => {
    const table = createOutboxTable(db.pool, new Schema(), limits);
    const hours = [5, 4, 3, 2, 1];
    const made: string[] = [];
    for (const hour of hours) made.push(await row({ created: `now() - interval '${hour} hours'` }));
    expect(ids(await table.claim(2)).sort()).toEqual(made.slice(0, 2).sort());
    expect((await table.count(10)).unpublished).toBe(5);
    expect(ids(await table.claim(10)).sort()).toEqual(made.slice(2).sort());
  });

  it('claims no parked row, even if another relay releases its claim late', async () => {
    const table = createOutboxTable(db.pool, new Schema(), limits);
    const id = await row();
    await table.claim(10);
    await table.park([{ id, because: 'too large' }]);
    await table.release([{ id, delayMs: 0 }]);
    expect(await createOutboxTable(db.pool, new Schema(), limits).claim(10)).toEqual([]);
    expect(await table.count(10)).toEqual({ unpublished: 0, parked: 1, returned: 0 });
    const [kept] = await db.sql('SELECT parked_because, published_at FROM messaging.outbox');
    expect(kept).toEqual({ parked_because: 'too large', published_at: null });
  });

  /** Rows that were published a minute after they were made, some time ago. */
  async function publish(count: number): Promise<void> {
    await db.sql(
      `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until)
      SELECT gen_random_uuid(), 'note.written', $2, now() - interval '10 min', now() - interval '9 min'
      FROM generate_series(1, $1)`,
      [count, JSON.stringify({ padding: 'x'.repeat(1_000) })],
    );
    await db.sql('UPDATE messaging.outbox SET published_at = now()');
    await db.sql('ANALYZE messaging.outbox');
  }
});

/** Notes for each statement how many blocks it reads, by running it once more and taking that back. */
function counting(pool: pg.Pool): { pool: pg.Pool; blocks: number[] } {
  const blocks: number[] = [];
  const query = async ({ text, values }: { text: string; values: unknown[] }) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values);
      const [{ Plan: plan }] = rows[0]['QUERY PLAN'];
      blocks.push(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    return pool.query(text, values);
  };
  return { pool: { query } as unknown as pg.Pool, blocks };
}
