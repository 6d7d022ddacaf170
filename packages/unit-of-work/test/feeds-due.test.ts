import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, testDatabase } from '@warren/testing';
import { migrateMessaging, Retention, type RetentionStats } from '@warren/unit-of-work';
import pg from 'pg';
import { type Fixture, fixture, quiet, writeNote } from './support/fixture.js';
import { dayMs, hourMs, idOf, oldFeed } from './support/old-rows.js';
import { migrateAsOlderBuild } from './support/older-schema.js';

const full = process.env.WARREN_TEST_FULL === '1';

let db: Fixture;
beforeEach(async () => {
  db = await fixture();
});
afterEach(() => db.close());

type Limits = NonNullable<ConstructorParameters<typeof Retention>[0]['limits']>;

const keeps = { feedRecentEntries: 20, feedRecentHours: 24, feedEntries: 5, feedDays: 30 };
const inHours = (hours: number) => new Date(Date.now() + hours * hourMs);
const inDays = (days: number) => new Date(Date.now() + days * dayMs);

/** What one round of retention did to feeds. */
async function roundAt(
  clock: Date,
  limits: Limits = keeps,
  pool = db.pool,
): Promise<Pick<RetentionStats, 'feedsVisited' | 'feedEntries'>> {
  const retention = new Retention({
    pool,
    log: quiet,
    limits: { retentionPauseFactor: 0, ...limits },
    clock: () => clock,
  });
  expect(await retention.round()).toBe(true);
  const { feedsVisited, feedEntries } = retention.stats;
  return { feedsVisited, feedEntries };
}

const nothing = { feedsVisited: 0, feedEntries: 0 };
const left = (user: string) =>
  db.sql<{ seq: number }>('SELECT seq::int FROM messaging.feed WHERE user_id = $1 ORDER BY seq', [user]);

/** As every build does it, in its last statement; committed by whoever has the client. */
async function write(client: { query(sql: string, values: unknown[]): Promise<unknown> }, user: string) {
  await client.query(
    `WITH head AS (
      INSERT INTO messaging.feed_head AS h (user_id, seq) VALUES ($1, 1)
      ON CONFLICT (user_id) DO UPDATE SET seq = h.seq + excluded.seq RETURNING seq
    )
    INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
    SELECT $1, seq, 'note.updated', gen_random_uuid(), now(), '{"text":"new"}' FROM head`,
    [user],
  );
}

describe('a feed', () => {
  it('is due when it begins and when its entries are too old, but not once it is empty', async () => {
    const { uow } = db.instance();
    const entry = () => uow.run((tx) => writeNote(tx, 'note', ['ann']));
    await entry();
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 1, feedEntries: 0 });
    await entry();
    for (const clock of [new Date(), inDays(1.5), inDays(29)]) expect(await roundAt(clock)).toEqual(nothing);
    expect(await roundAt(inDays(31))).toEqual({ feedsVisited: 1, feedEntries: 2 });
    expect(await roundAt(inDays(90))).toEqual(nothing);
    await entry();
    expect(await roundAt(inDays(31))).toEqual({ feedsVisited: 1, feedEntries: 1 });
  });

  it('is due again when its remaining entries are too old', async () => {
    await oldFeed(db, 'ann', [inDays(-35), inDays(-20), inDays(-10)]);
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 1, feedEntries: 1 });
    expect(await roundAt(inDays(9))).toEqual(nothing);
    expect(await roundAt(inDays(11))).toEqual({ feedsVisited: 1, feedEntries: 1 });
    expect(await roundAt(inDays(19))).toEqual(nothing);
    expect(await roundAt(inDays(21))).toEqual({ feedsVisited: 1, feedEntries: 1 });
  });

  it('is due when it has more entries than it keeps', async () => {
    await oldFeed(
      db,
      'ann',
      Array.from({ length: 5 }, () => inHours(-3)),
    );
    await roundAt(new Date());
    expect(await roundAt(inHours(22))).toEqual(nothing);
    await write(db.pool, 'ann');
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 1, feedEntries: 0 });
    expect(await roundAt(inHours(20))).toEqual(nothing);
    expect(await roundAt(inHours(22))).toEqual({ feedsVisited: 1, feedEntries: 1 });
    for (let more = 0; more < 25; more++) await write(db.pool, 'ann');
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 1, feedEntries: 10 });
    expect(await left('ann')).toHaveLength(20);
  });

  it('stays due if another transaction writes to it while it is pruned, and delays no other feed', async () => {
    await roundAt(new Date());
    for (const user of ['ann', 'bob']) await oldFeed(db, user, [inDays(-40)]);
    const writer = await db.pool.connect();
    await writer.query('BEGIN');
    await write(writer, 'ann');
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 2, feedEntries: 2 });
    await writer.query('COMMIT');
    writer.release();
    expect(await left('ann')).toEqual([{ seq: 2 }]);
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 1, feedEntries: 0 });
    expect(await roundAt(inDays(31))).toEqual({ feedsVisited: 1, feedEntries: 1 });
  });

  it('is pruned in time if entries are written between the check and the update of its due time', async () => {
    const users = Array.from({ length: 800 }, (_, index) => `user-${index}`);
    let over = false;
    const writing = Array.from({ length: 4 }, async (_, first) => {
      for (let turn = 0; turn < 500; turn++) {
        await write(db.pool, users[(turn * 4 + first) % users.length] ?? '');
      }
    });
    const written = Promise.all(writing).finally(() => {
      over = true;
    });
    while (!over) await roundAt(inDays(60));
    await written;
    await roundAt(inDays(60));
    expect(await db.sql('SELECT user_id, seq FROM messaging.feed')).toEqual([]);
    expect(await roundAt(inDays(60))).toEqual(nothing);
  }, 120_000);

  it('is due when the limits are lowered', async () => {
    await oldFeed(db, 'ann', [inDays(-20), inDays(-5)]);
    await roundAt(new Date());
    expect(await roundAt(new Date(), { ...keeps, feedDays: 10 })).toEqual({
      feedsVisited: 1,
      feedEntries: 1,
    });
    expect(await roundAt(new Date(), { ...keeps, feedDays: 10 })).toEqual(nothing);
  });

  it('is due when the limits are lowered while another transaction writes to it', async () => {
    await oldFeed(db, 'ann', [inDays(-5)]);
    await roundAt(new Date());
    const writer = await db.pool.connect();
    await writer.query('BEGIN');
    await write(writer, 'ann');
    await roundAt(new Date(), { ...keeps, feedDays: 10 });
    await writer.query('COMMIT');
    writer.release();
    await roundAt(new Date(), { ...keeps, feedDays: 10 });
    await roundAt(inDays(6), { ...keeps, feedDays: 10 });
    expect(await left('ann')).toEqual([{ seq: 2 }]);
  }, 30_000);

  it('stays due when a round of retention ends before it is pruned', async () => {
    await oldFeed(db, 'ann', [inDays(-40)]);
    await oldFeed(db, 'bob', [inDays(-40)]);
    await db.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'refused'; END $$`);
    await db.sql(`CREATE TRIGGER refused BEFORE DELETE ON messaging.feed FOR EACH ROW
      WHEN (OLD.user_id = 'bob') EXECUTE FUNCTION refuse()`);
    await expect(roundAt(new Date())).rejects.toThrow('refused');
    await db.sql('DROP FUNCTION refuse CASCADE');
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 2, feedEntries: 2 });
  });

  it('changes no index of due feeds when it is written to', async () => {
    await write(db.pool, 'hot');
    await roundAt(new Date(), {});
    const client = await db.pool.connect();
    await client.query('BEGIN');
    const updates = async () =>
      (
        await client.query<{
          all: number;
          hot: number;
        }>(`SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot
        FROM pg_stat_xact_user_tables WHERE relid = 'messaging.feed_head'::regclass`)
      ).rows[0] ?? { all: 0, hot: 0 };
    const before = await updates();
    for (let more = 0; more < 20; more++) await write(client, 'hot');
    const after = await updates();
    await client.query('COMMIT');
    client.release();
    expect({ all: after.all - before.all, hot: after.hot - before.hot }).toEqual({ all: 20, hot: 20 });
  });
});

describe('many due feeds', () => {
  it('are pruned in steps of at most 2,000 entries', async () => {
    await db.sql(`
      INSERT INTO messaging.feed_head (user_id, seq) SELECT 'user-' || n, 300 FROM generate_series(1, 60) n;
      INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
      SELECT 'user-' || n, seq, 'note.updated', gen_random_uuid(), now() - interval '40 days', '{}'
      FROM generate_series(1, 60) n, generate_series(1, 300) seq`);
    await db.sql(`CREATE TABLE step (entries int);
      CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO step SELECT count(*) FROM gone; RETURN NULL; END $$`);
    await db.sql(`CREATE TRIGGER step AFTER DELETE ON messaging.feed REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION note_step()`);
    expect(await roundAt(new Date())).toEqual({ feedsVisited: 60, feedEntries: 18_000 });
    const [steps] = await db.sql('SELECT max(entries) AS largest, sum(entries)::int AS all FROM step');
    expect(steps).toEqual({ largest: 2_000, all: 18_000 });
  });
});

describe('feeds of an older build', () => {
  /** A database as that build left it. */
  async function olderDatabase(work: (pool: pg.Pool) => Promise<void>): Promise<void> {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 4 });
    pool.on('error', () => undefined);
    try {
      await migrateAsOlderBuild(pool, 8);
      await work(pool);
    } finally {
      await pool.end();
      await database.close();
    }
  }

  it('are scanned once, and an interrupted scan continues where it ended', async () => {
    await olderDatabase(async (pool) => {
      await pool.query(`
        INSERT INTO messaging.feed_head (user_id, seq) SELECT 'user-' || n, 3 FROM generate_series(10001, 12500) n;
        INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
        SELECT 'user-' || n, seq, 'note.updated', gen_random_uuid(), now() - (3 - seq) * interval '20 days', '{}'
        FROM generate_series(10001, 12500) n, generate_series(1, 3) seq`);
      await migrateMessaging(pool);
      await pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'refused'; END $$`);
      await pool.query(`CREATE TRIGGER refused BEFORE DELETE ON messaging.feed FOR EACH ROW
        WHEN (OLD.user_id = 'user-11500') EXECUTE FUNCTION refuse()`);
      await expect(roundAt(new Date(), {}, pool)).rejects.toThrow('refused');
      await pool.query('DROP FUNCTION refuse CASCADE');
      expect(await roundAt(new Date(), {}, pool)).toMatchObject({ feedsVisited: 1_500 });
      const { rows } = await pool.query('SELECT count(*)::int AS entries FROM messaging.feed');
      expect(rows).toEqual([{ entries: 5_000 }]);
      expect(await roundAt(inDays(9), {}, pool)).toEqual(nothing);
      expect(await roundAt(inDays(11), {}, pool)).toEqual({ feedsVisited: 2_500, feedEntries: 2_500 });
    });
  }, 120_000);

  it('are pruned in time even if a transaction locked one during the scan and rolled back', async () => {
    await olderDatabase(async (pool) => {
      for (const user of ['ann', 'bob', 'eve']) await write(pool, user);
      await migrateMessaging(pool);
      const writer = await pool.connect();
      await writer.query('BEGIN');
      await write(writer, 'bob');
      await roundAt(new Date(), {}, pool);
      await writer.query('ROLLBACK');
      writer.release();
      await roundAt(new Date(), {}, pool);
      await roundAt(inDays(31), {}, pool);
      expect((await pool.query('SELECT user_id FROM messaging.feed')).rows).toEqual([]);
      expect(await roundAt(inDays(31), {}, pool)).toEqual(nothing);
    });
  });

  it('become due when the older build writes to them beside this build and before the scan', async () => {
    await olderDatabase(async (pool) => {
      await write(pool, 'ann');
      await migrateMessaging(pool);
      await write(pool, 'ann');
      await write(pool, 'bob');
      expect(await roundAt(inDays(31), {}, pool)).toMatchObject({ feedEntries: 3 });
      await write(pool, 'ann');
      expect(await roundAt(inDays(31), {}, pool)).toEqual({ feedsVisited: 1, feedEntries: 1 });
    });
  });
});

describe('a round of retention', () => {
  const people = full ? 400_000 : 20_000;

  /** Everybody has a feed, a record of an operation and a published event; one in 400 was erased since. */
  async function nothingToPrune(): Promise<void> {
    await db.sql(
      'INSERT INTO messaging.feed_head (user_id, seq) SELECT gen_random_uuid()::text, 3 FROM generate_series(1, $1::int)',
      [people],
    );
    await db.sql(`INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
      SELECT user_id, n, 'note.updated', gen_random_uuid(), now(), '{}'
      FROM messaging.feed_head CROSS JOIN generate_series(1, 3) n`);
    await db.sql(`INSERT INTO messaging.idempotency (user_id, operation, key, input_hash, outcome)
      SELECT user_id, 'pay', 'key', 'hash', '{}' FROM messaging.feed_head`);
    await db.sql(
      `INSERT INTO messaging.outbox (id, type, body, about, published_at)
      SELECT (substr($1::text, 1, 24) || lpad(to_hex(row_number() OVER ()), 12, '0'))::uuid, 'note.written', '{}', user_id, now()
      FROM messaging.feed_head`,
      [idOf(new Date())],
    );
    await db.sql(
      `INSERT INTO messaging.erased (user_id) SELECT gen_random_uuid()::text FROM generate_series(1, $1::int)`,
      [people / 400],
    );
  }

  it(`with ${people.toLocaleString('en')} people and nothing to prune checks none of their feeds and takes less than a second`, async () => {
    await nothingToPrune();
    const began = performance.now();
    expect(await roundAt(new Date(), {})).toEqual({ feedsVisited: people, feedEntries: 0 });
    const took = [performance.now() - began];
    await eventually(
      async () => {
        const began = performance.now();
        expect(await roundAt(inHours(1), {})).toEqual(nothing);
        took.push(performance.now() - began);
        expect(took.at(-1)).toBeLessThan(1_000);
      },
      { within: 60_000 },
    );
    if (full)
      process.stderr.write(`rounds took ${took.map((ms) => `${Math.round(ms)} ms`).join(', then ')}\n`);
  }, 600_000);
});
