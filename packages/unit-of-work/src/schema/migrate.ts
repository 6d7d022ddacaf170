import type { ClientBase, Pool } from 'pg';
import type { Logger } from 'pino';
import { dayOf } from '../retention/days.js';
import { makePartition } from '../retention/partitions.js';
import { initial } from './001-initial.js';
import { replay } from './002-replay.js';
import { erasure } from './003-erasure.js';
import { owner } from './004-owner.js';
import { feedPersonal } from './005-feed-personal.js';
import { lease } from './006-lease.js';
import { epochs } from './007-epochs.js';
import { parked } from './008-parked.js';
import { feedsDue } from './009-feeds-due.js';
import { lostQueues } from './010-lost-queues.js';
import { ensure } from './011-ensure.js';
import { lockTimeoutMs, patiently } from './patiently.js';

/** Position plus one is the version. Released ones never change; each must suit the build before it too. */
const migrations: readonly string[] = [
  initial,
  replay,
  erasure,
  owner,
  feedPersonal,
  lease,
  epochs,
  parked,
  feedsDue,
  lostQueues,
  ensure,
];

/**
 * Brings the `messaging` schema to this build's version. Any number of instances may start at once: they wait
 * for each other. A new schema is made in one transaction; an existing one is changed in one for each version, so
 * that no table is held while another one is waited for.
 */
export async function migrateMessaging(pool: Pool, log?: Logger): Promise<void> {
  const client = await pool.connect();
  // The failed query tells; without a listener a cut connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  try {
    await migrateMessagingOver(client, log);
    client.off('error', ignore);
    client.release();
  } catch (error) {
    // A destroyed connection rolls back, whatever state it was in.
    client.release(true);
    throw error;
  }
}

/** `migrateMessaging` over a connection of the caller's. */
export async function migrateMessagingOver(client: ClientBase, log?: Logger): Promise<void> {
  const what = 'a migration of the messaging schema';
  while ((await patiently(client, { what, log }, () => migrateFurther(client))) < migrations.length);
}

/** Whoever else migrates is waited for; the tables are not. */
const takeTurn = `
SET LOCAL lock_timeout = '10 min';
SELECT pg_advisory_xact_lock(hashtextextended('warren.messaging.migrate', 0));
SET LOCAL lock_timeout = ${lockTimeoutMs}`;

/** Answers the version that it leaves. */
async function migrateFurther(client: ClientBase): Promise<number> {
  await client.query(takeTurn);
  await client.query(bookkeeping);
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM messaging.migration',
  );
  const current = rows[0]?.version ?? 0;
  const next = current === 0 ? migrations.length : current + 1;
  for (const [index, sql] of migrations.slice(current, next).entries()) {
    await client.query(sql);
    await client.query('INSERT INTO messaging.migration (version) VALUES ($1)', [current + index + 1]);
  }
  if (current === 0) await makeFirstDays(client);
  return next;
}

/** So that the first rows find their day; from then on the days are retention's. */
async function makeFirstDays(client: ClientBase): Promise<void> {
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
