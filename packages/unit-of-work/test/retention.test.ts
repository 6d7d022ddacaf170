import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { createUnitOfWork, pgClient, Retention, type RetentionStats } from '@warren/unit-of-work';
import { contract, type Fixture, fixture, quiet, writeNote } from './support/fixture.js';
import { dayMs, hourMs, idOf, oldEvent, oldFeed, oldHandled } from './support/old-rows.js';
import { pooler } from './support/pooler.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeEach(async () => {
  db = await fixture();
});
afterEach(() => db.close());

type Limits = NonNullable<ConstructorParameters<typeof Retention>[0]['limits']>;

const noon = new Date('2030-06-15T12:00:00Z');
const days = (count: number) => new Date(noon.getTime() + count * dayMs);
const hours = (count: number) => new Date(noon.getTime() + count * hourMs);

/** One round at that time, and what it did. */
async function roundAt(clock: Date, limits: Limits = {}): Promise<RetentionStats> {
  const retention = new Retention({
    pool: db.pool,
    log: quiet,
    limits: { retentionPauseFactor: 0, ...limits },
    clock: () => clock,
  });
  expect(await retention.round()).toBe(true);
  return retention.stats;
}

async function partitionsOf(table: 'outbox' | 'inbox'): Promise<string[]> {
  const rows = await db.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = $1::regclass ORDER BY 1`,
    [`messaging.${table}`],
  );
  return rows.map(({ name }) => name);
}

/** Where the row lies, without the schema. */
async function placeOf(table: 'outbox' | 'inbox', id: string): Promise<string | undefined> {
  const column = table === 'outbox' ? 'id' : 'event_id';
  const [row] = await db.sql<{ place: string }>(
    `SELECT relname AS place FROM messaging.${table} t JOIN pg_class c ON c.oid = t.tableoid WHERE t.${column} = $1`,
    [id],
  );
  return row?.place;
}

describe('the partitions of outbox and inbox', () => {
  it('exist for the first rows of a new database', async () => {
    const { uow } = db.instance();
    await uow.run((tx) => writeNote(tx, 'first'));
    const [row] = await db.sql<{ id: string }>('SELECT id FROM messaging.outbox');
    expect(await placeOf('outbox', row?.id ?? '')).toMatch(/^outbox_\d{8}$/);
    expect(await partitionsOf('inbox')).toHaveLength(5);
  });

  it('are created in advance, and dropped 7 and 14 whole days after their day', async () => {
    for (let day = 0; day <= 20; day++) {
      await roundAt(days(day));
      expect(await placeOf('outbox', await oldEvent(db, days(day)))).toMatch(/^outbox_2030/);
      expect(await placeOf('inbox', await oldHandled(db, days(day)))).toMatch(/^inbox_2030/);
    }
    const stats = await roundAt(days(20));
    expect(stats).toMatchObject({ partitionsMade: 0, partitionsDropped: 0, partitionsHeld: 0 });
    const simulated = (name: string) => name.includes('_2030');
    // Today is 5 July.
    const [outbox, inbox] = [await partitionsOf('outbox'), await partitionsOf('inbox')];
    expect(outbox.filter(simulated).at(0)).toBe('outbox_20300628');
    expect(outbox.filter(simulated).at(-1)).toBe('outbox_20300708');
    expect(inbox.filter(simulated).at(0)).toBe('inbox_20300621');
    expect(await db.sql('SELECT FROM messaging.outbox')).toHaveLength(8);
    expect(await db.sql('SELECT FROM messaging.inbox')).toHaveLength(15);
    expect(await db.sql('SELECT FROM messaging.outbox_rest')).toEqual([]);
  }, 90_000);

  it('are kept while they have unpublished events', async () => {
    await roundAt(noon);
    await oldEvent(db, noon);
    const waiting = await oldEvent(db, noon, false);
    expect(await roundAt(days(30))).toMatchObject({ partitionsHeld: 1 });
    expect(await placeOf('outbox', waiting)).toBe('outbox_20300615');
    await db.sql('UPDATE messaging.outbox SET published_at = now() WHERE id = $1', [waiting]);
    expect(await roundAt(days(30))).toMatchObject({ partitionsHeld: 0, partitionsDropped: 1 });
    expect(await placeOf('outbox', waiting)).toBeUndefined();
  });

  it('are kept for as long as an event of that day that was handled late', async () => {
    await roundAt(noon);
    const late = await oldHandled(db, noon, days(12));
    await roundAt(days(15));
    expect(await placeOf('inbox', late)).toBe('inbox_20300615');
    await roundAt(days(26));
    expect(await placeOf('inbox', late)).toBeUndefined();
  });

  it('stop no write if one is missing: the default partition takes the row, which is deleted by itself later', async () => {
    const event = await oldEvent(db, noon);
    const waiting = await oldEvent(db, noon, false);
    const handled = await oldHandled(db, noon);
    const foreign = await oldHandled(db, noon, noon, 'not a UUID at all');
    expect([await placeOf('outbox', event), await placeOf('inbox', handled)]).toEqual([
      'outbox_rest',
      'inbox_rest',
    ]);
    await roundAt(noon);
    expect(await partitionsOf('outbox')).not.toContain('outbox_20300615');
    expect(await partitionsOf('outbox')).toContain('outbox_20300616');
    await roundAt(days(8));
    expect(await db.sql('SELECT id FROM messaging.outbox')).toEqual([{ id: waiting }]);
    expect(await placeOf('inbox', foreign)).toBe('inbox_rest');
    await roundAt(days(15));
    expect(await db.sql('SELECT FROM messaging.inbox')).toEqual([]);
  });

  it('are dropped in the next round if a process ended after it had detached them', async () => {
    await roundAt(noon);
    await db.sql('ALTER TABLE messaging.outbox DETACH PARTITION messaging.outbox_20300615');
    await roundAt(days(1));
    expect(await db.sql(`SELECT FROM pg_class WHERE relname = 'outbox_20300615'`)).toEqual([]);
  });

  it('are dropped by one instance at a time', async () => {
    await holdLease('1 hour');
    const retention = new Retention({ pool: db.pool, log: quiet });
    expect(await retention.round()).toBe(false);
    await db.sql('DELETE FROM messaging.lease');
    expect(await retention.round()).toBe(true);
  });

  it('are dropped by another instance after one was killed while it dropped them', async () => {
    await holdLease('-1 second');
    const retention = new Retention({ pool: db.pool, log: quiet });
    expect(await retention.round()).toBe(true);
    expect(await db.sql('SELECT FROM messaging.lease')).toEqual([]);
  });

  it('are dropped by every instance in its turn, behind a pooler in transaction mode', async () => {
    const { pool, close } = await pooler(db.pool);
    for (const _instance of [1, 2, 3, 4]) {
      expect(await new Retention({ pool, log: quiet }).round()).toBe(true);
    }
    const locks = await db.sql(
      `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND datname = current_database()`,
    );
    close();
    expect(locks).toEqual([]);
  });
});

/** As another process that does retention has it. */
const holdLease = (left: string) =>
  db.sql(`INSERT INTO messaging.lease VALUES ('retention', gen_random_uuid(), now() + $1::interval)`, [left]);

describe('dropping a partition that is in use', () => {
  it('gives way, delays nobody for long, and is done in a later round', async () => {
    await roundAt(noon);
    await oldHandled(db, noon);
    const handler = await db.pool.connect();
    await handler.query(`BEGIN; SELECT FROM messaging.inbox WHERE event_id = '${idOf(days(40))}'`);

    const retention = new Retention({ pool: db.pool, log: quiet, clock: () => days(40) });
    const round = retention.round();
    const took: number[] = [];
    let over = false;
    void round.then(() => {
      over = true;
    });
    while (!over) {
      const began = performance.now();
      await oldHandled(db, days(40));
      took.push(performance.now() - began);
    }
    expect(retention.stats).toMatchObject({
      gaveWay: expect.any(Number),
      partitionsHeld: expect.any(Number),
    });
    expect(retention.stats.gaveWay).toBeGreaterThanOrEqual(5);
    // Each attempt without a time-out of its own would keep one of them waiting for 2 s; a machine that pauses, a few.
    expect(took.filter((ms) => ms > 1_500).length).toBeLessThan(4);
    expect(await partitionsOf('inbox')).toContain('inbox_20300615');

    await handler.query('COMMIT');
    handler.release();
    await roundAt(days(40));
    expect(await partitionsOf('inbox')).not.toContain('inbox_20300615');
  }, 60_000);
});

describe('a feed', () => {
  const keeps = { feedRecentEntries: 20, feedRecentHours: 24, feedEntries: 5, feedDays: 30 };
  const seqs = async (user: string) =>
    (
      await db.sql<{ seq: string }>('SELECT seq FROM messaging.feed WHERE user_id = $1 ORDER BY seq', [user])
    ).map(({ seq }) => Number(seq));
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const times = (count: number, from: Date, stepMs: number) =>
    Array.from({ length: count }, (_, index) => new Date(from.getTime() + index * stepMs));

  it.each([
    ['as many of the last day as it may', times(30, hours(-10), 60_000), range(11, 30)],
    [
      'fewer of those that are older',
      [...times(20, days(-9), hourMs), ...times(3, hours(-3), hourMs)],
      range(19, 23),
    ],
    ['none that are too old', [...times(3, days(-40), hourMs), ...times(2, days(-29), hourMs)], range(4, 5)],
    ['all where it has few', times(5, days(-20), dayMs), range(1, 5)],
    ['nothing at last', times(4, days(-90), dayMs), []],
    ['no hole where a clock was wrong', [days(-50), days(-50), hours(-1), days(-50), days(-50)], range(3, 5)],
  ])('keeps %s', async (_what, given, kept) => {
    await oldFeed(db, 'ann', given);
    await oldFeed(db, 'zoe', times(2, hours(-2), 1));
    expect(await roundAt(noon, keeps)).toMatchObject({ feedEntries: given.length - kept.length });
    expect(await seqs('ann')).toEqual(kept);
    expect(await seqs('zoe')).toEqual([1, 2]);
  });

  it('loses the list of personal fields with the entries that it prunes', async () => {
    await oldFeed(db, 'ann', times(8, days(-20), hourMs));
    await db.sql(`INSERT INTO messaging.feed_personal (user_id, seq, person, fields)
      SELECT user_id, seq, 'bob', '{text}' FROM messaging.feed WHERE user_id = 'ann'`);
    await roundAt(noon, keeps);
    const rows = await db.sql('SELECT seq::int FROM messaging.feed_personal ORDER BY seq');
    expect(rows.map(({ seq }) => seq)).toEqual(range(4, 8));
    await db.sql('TRUNCATE messaging.feed_personal');
  });

  it('continues its numbers after it is pruned, and refuses older cursors as too old', async () => {
    const instance = db.instance();
    await oldFeed(db, 'ann', times(8, days(-20), hourMs));
    const cursors = (await instance.feeds.read('ann', 0, 8)).entries.map(({ cursor }) => cursor);
    await roundAt(noon, keeps);
    expect(await instance.feeds.floor('ann')).toBe(3);
    const resolved = await Promise.all(cursors.map((cursor) => instance.feeds.resolve('ann', cursor)));
    expect(resolved.map((each) => (each.ok ? each.seq : each.reason))).toEqual([
      'too-old',
      'too-old',
      3,
      4,
      5,
      6,
      7,
      8,
    ]);
    await roundAt(days(60), keeps);
    expect(await seqs('ann')).toEqual([]);
    expect(await instance.feeds.floor('ann')).toBe(8);
    expect(await instance.feeds.resolve('ann', cursors[7] ?? '')).toMatchObject({ ok: true, seq: 8 });
    expect(await instance.feeds.resolve('ann', cursors[6] ?? '')).toMatchObject({
      ok: false,
      reason: 'too-old',
    });
    await instance.uow.run((tx) => writeNote(tx, 'next', ['ann']));
    expect(await seqs('ann')).toEqual([9]);
  });

  it('is pruned in one round, even if there are many feeds and much to prune', async () => {
    await db.sql(`
      INSERT INTO messaging.feed_head (user_id, seq) SELECT 'user-' || n, 10 FROM generate_series(1, 1500) n;
      INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
      SELECT 'user-' || n, seq, 'note.updated', gen_random_uuid(), '${days(-10).toISOString()}', '{}'
      FROM generate_series(1, 1500) n, generate_series(1, 10) seq`);
    await oldFeed(db, 'busy', times(1_700, days(-10), 1));
    await roundAt(noon, keeps);
    const [row] = await db.sql('SELECT count(*)::int AS entries, min(seq)::int AS least FROM messaging.feed');
    expect(row).toEqual({ entries: 1_501 * 5, least: 6 });
    expect(await seqs('busy')).toEqual(range(1_696, 1_700));
  }, 90_000);
});

describe('other expired rows', () => {
  it('are records of operations after 24 hours, thousands of them in one round', async () => {
    await db.sql(
      `INSERT INTO messaging.idempotency (user_id, operation, key, input_hash, outcome, created_at)
      SELECT 'ann', 'pay', n::text, 'hash', '{}', $1::timestamptz - n * interval '1 h' FROM generate_series(1, 5000) n`,
      [noon],
    );
    expect(await roundAt(noon)).toMatchObject({ rows: 5_000 - 23 });
    expect(await db.sql('SELECT FROM messaging.idempotency')).toHaveLength(23);
  });

  it('are suspects that were not delivered again', async () => {
    await db.sql(
      `INSERT INTO messaging.suspect (consumer, event_id, named_by, named_at)
      SELECT 'note', n::text, ARRAY[gen_random_uuid()], $1::timestamptz - n * interval '1 day'
      FROM generate_series(1, 10) n`,
      [noon],
    );
    await roundAt(noon);
    expect(await db.sql('SELECT FROM messaging.suspect')).toHaveLength(6);
  });
});

describe('a running service', () => {
  it('runs rounds in the background, and stops in the middle of one', async () => {
    await oldFeed(db, 'ann', [days(-60)]);
    const messaging = createUnitOfWork({
      contract,
      client: pgClient(db.pool),
      pool: db.pool,
      bus: new ScriptedBus(),
      log: quiet,
      clock: () => noon,
      limits: { retentionMs: 20, stopMs: 100 },
    });
    await messaging.start({ handlers: [] });
    const soon = { within: 40_000 };
    const retention = () => messaging.stats().retention;
    await eventually(() => expect(retention()).toMatchObject({ feedEntries: 1, failed: 0 }), soon);
    await eventually(() => expect(retention().rounds).toBeGreaterThan(2), soon);
    await messaging.stop();
    expect(await partitionsOf('outbox')).toContain('outbox_20300618');
  }, 90_000);
});
