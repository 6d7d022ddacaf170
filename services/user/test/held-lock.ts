import { eventually } from '@warren/testing';
import pg from 'pg';

/**
 * Holds what `sql` locks until `during` has brought `count` others to wait for a lock, then lets all of them go: a
 * race without luck. Answers what `during` did. `end`: whether what `sql` did is there for those who waited.
 */
export async function holdUntilOthersWait<T>(
  url: string,
  sql: string,
  count: number,
  during: () => Promise<T>,
  end: 'ROLLBACK' | 'COMMIT' = 'ROLLBACK',
): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql);
    const done = during();
    done.catch(() => {});
    await eventually(
      async () => {
        // Within a transaction, the statistics stay as they were first read.
        await client.query('SELECT pg_stat_clear_snapshot()');
        const { rows } = await client.query<{ waiting: number }>(waitingNow);
        if (rows[0]?.waiting !== count) throw new Error(`${rows[0]?.waiting} wait, not ${count}`);
      },
      { within: 60_000 },
    );
    await client.query(end);
    return await done;
  } finally {
    await client.end();
  }
}

const waitingNow = `SELECT count(*)::int AS waiting FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;
