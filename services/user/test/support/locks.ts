import { eventually } from '@warren/testing';
import pg from 'pg';

/**
 * Runs `sql` and holds its locks until `count` transactions of `during` wait for a lock, then ends the transaction by
 * `end`. So a race always happens in the same way. Resolves to the result of `during`.
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
        // Within a transaction, PostgreSQL caches the statistics at their first read.
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
