import { Retention } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import { dayMs, log, noonOf, type Plan, type Stage } from './stage.js';

/** The size of one table with its partitions. `heap` and `indexes` are in bytes. */
export interface TableSize {
  table: string;
  rows: number;
  heap: number;
  indexes: number;
}

const perBatch = 500;

/** Limits under which retention only creates partitions. */
const noPruning = {
  outboxDays: 10_000,
  inboxDays: 10_000,
  feedDays: 10_000,
  feedEntries: 1e9,
  suspectDays: 10_000,
};

/** Writes the plan's events day by day, runs a round of retention before each day, and measures the tables. */
export async function fill({ pool }: Stage, plan: Plan, pruning: boolean): Promise<TableSize[]> {
  const perDay = Math.ceil(plan.events / plan.days);
  for (let day = 0; day < plan.days; day += 1) {
    const clock = () => (pruning ? noonOf(day) : noonOf(0));
    const ahead = pruning ? {} : { partitionsAhead: plan.days, ...noPruning };
    await new Retention({ pool, log, clock, limits: ahead }).round();
    process.stderr.write(`${pruning ? 'with' : 'without'} retention: day ${day + 1} of ${plan.days}\n`);
    for (let done = 0; done < perDay; done += perBatch) {
      await writeBatch({ pool }, plan, day, done, Math.min(perBatch, perDay - done), perDay);
    }
    // Autovacuum would do this during a day, but it is not enabled on every test server.
    await pool.query(
      `VACUUM (ANALYZE) ${['outbox', 'inbox', 'feed', 'feed_head', 'idempotency'].map((t) => `messaging.${t}`)}`,
    );
  }
  if (pruning) await new Retention({ pool, log, clock: () => noonOf(plan.days) }).round();
  return sizes({ pool });
}

/** Writes rows as the kit does: one row per event in each table, then marks the outbox rows as published. */
async function writeBatch(
  { pool }: Stage,
  { users }: Plan,
  day: number,
  from: number,
  count: number,
  perDay: number,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  const times = numbers.map(
    (number) => new Date(noonOf(day).getTime() - dayMs / 2 + (number / perDay) * dayMs),
  );
  const ids = times.map((time) => uuidv7({ msecs: time.getTime() }));
  const seed = numbers.map((number) => `user-${(day * perDay + number) % users}`);
  await pool.query(
    `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until)
    SELECT id, 'payment.succeeded', $3, time, time FROM unnest($1::uuid[], $2::timestamptz[]) AS e (id, time)`,
    [ids, times, body],
  );
  await pool.query('UPDATE messaging.outbox SET published_at = created_at WHERE id = ANY($1::uuid[])', [ids]);
  await pool.query(
    `INSERT INTO messaging.inbox (consumer, event_id, handled_at)
    SELECT 'notification', id, time FROM unnest($1::text[], $2::timestamptz[]) AS e (id, time)`,
    [ids, times],
  );
  await pool.query(
    `WITH given AS (
      SELECT user_id, id, time, row_number() OVER (PARTITION BY user_id ORDER BY n) AS place
      FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS e (user_id, id, time, n)
    ), heads AS (
      INSERT INTO messaging.feed_head AS h (user_id, seq)
      SELECT user_id, count(*) FROM given GROUP BY user_id
      ON CONFLICT (user_id) DO UPDATE SET seq = h.seq + excluded.seq RETURNING user_id, seq
    )
    INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
    SELECT user_id, seq - max(place) OVER (PARTITION BY user_id) + place, 'notification.created', id, time, $4::json
    FROM given JOIN heads USING (user_id)`,
    [seed, ids, times, entry],
  );
  await pool.query(
    `INSERT INTO messaging.idempotency (user_id, operation, key, input_hash, outcome, created_at)
    SELECT user_id, 'pay', id, $4, $5::json, time
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS e (user_id, id, time)`,
    [seed, ids, times, 'x'.repeat(44), entry],
  );
}

/** About the sizes of a payment's event and a notification's feed entry. */
const body = JSON.stringify({ specversion: '1.0', data: 'x'.repeat(850) });
const entry = JSON.stringify({ notification: 'x'.repeat(330) });

async function sizes({ pool }: Stage): Promise<TableSize[]> {
  const { rows } = await pool.query<TableSize>(`
    SELECT t.name AS table, sum(pg_table_size(c.oid))::float AS heap, sum(pg_indexes_size(c.oid))::float AS indexes
    FROM (VALUES ('outbox'), ('inbox'), ('feed'), ('feed_head'), ('idempotency')) AS t (name)
    JOIN pg_class c ON c.relname = t.name OR c.relname LIKE t.name || '\\_2%' OR c.relname = t.name || '_rest'
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'messaging'::regnamespace GROUP BY 1`);
  for (const row of rows) {
    const counted = await pool.query<{ rows: number }>(
      `SELECT count(*)::int AS rows FROM messaging.${row.table}`,
    );
    row.rows = counted.rows[0]?.rows ?? 0;
  }
  return rows;
}
