import type { Pool, PoolClient } from 'pg';
import { dayOf } from '../retention/days.js';
import { makePartition } from '../retention/partitions.js';
import { initial } from './001-initial.js';
import { replay } from './002-replay.js';
import { erasure } from './003-erasure.js';

/** Position plus one is the version. Released ones never change; each must suit the build before it too. */
const migrations: readonly string[] = [initial, replay, erasure];

/**
 * Brings the `messaging` schema to this build's version. Any number of instances may start at once: they wait
 * for each other. All or nothing, since everything runs in one transaction.
 */
export async function migrateMessaging(pool: Pool): Promise<void> {
  const client = await pool.connect();
  // The failed query tells; without a listener a cut connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  try {
    await client.query('BEGIN');
    // The pool's bounds are for the work of a service; a migration may take longer than any of that.
    await client.query(`SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10 min'`);
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('warren.messaging.migrate', 0))`);
    await client.query(bookkeeping);
    const { rows } = await client.query<{ version: number }>(
      'SELECT coalesce(max(version), 0) AS version FROM messaging.migration',
    );
    const current = rows[0]?.version ?? 0;
    for (const [index, sql] of migrations.entries()) {
      if (index < current) continue;
      await client.query(sql);
      await client.query('INSERT INTO messaging.migration (version) VALUES ($1)', [index + 1]);
    }
    if (current === 0) await makeFirstDays(client);
    await client.query('COMMIT');
    client.off('error', ignore);
    client.release();
  } catch (error) {
    // A destroyed connection rolls back, whatever state it was in.
    client.release(true);
    throw error;
  }
}

/** So that the first rows find their day; from then on the days are retention's. */
async function makeFirstDays(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ now: Date }>('SELECT now()');
  const today = dayOf(rows[0]?.now ?? new Date());
  for (const table of ['outbox', 'inbox'] as const) {
    for (let day = today; day <= today + firstDays; day++) await makePartition(client, table, day);
  }
}

const firstDays = 3;

const bookkeeping = `
CREATE SCHEMA IF NOT EXISTS messaging;
CREATE TABLE IF NOT EXISTS messaging.migration (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;
