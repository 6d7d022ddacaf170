import type { ClientBase, Pool } from 'pg';
import type { Logger } from 'pino';
import { dayOf, makePartition } from '../retention/partitions.js';
import { initial } from './migrations/001-initial.js';
import { replay } from './migrations/002-replay.js';
import { erasure } from './migrations/003-erasure.js';
import { owner } from './migrations/004-owner.js';
import { feedPersonal } from './migrations/005-feed-personal.js';
import { lease } from './migrations/006-lease.js';
import { epochs } from './migrations/007-epochs.js';
import { parked } from './migrations/008-parked.js';
import { feedsDue } from './migrations/009-feeds-due.js';
import { lostQueues } from './migrations/010-lost-queues.js';
import { ensure } from './migrations/011-ensure.js';
import { ensureGrants } from './migrations/012-ensure-grants.js';
import { Schema } from './schema.js';
import { changeSchema, lockTimeoutMs } from './schema-change.js';

/** The index plus one is the version. A released migration never changes, and the build before it must work with it. */
export const migrations: readonly ((schema: Schema) => string)[] = [
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
  ensureGrants,
];

export interface MigrateOptions {
  /** The schema of the kit's tables. Default `messaging`. */
  schema?: string | undefined;
  log?: Logger | undefined;
}

/**
 * Creates the kit's tables, or migrates them to the version of this build. Several instances may do so at once: they take
 * turns. A new schema is created in one transaction. An existing one is migrated in one transaction for each version, so
 * that no transaction holds the lock of one table while it waits for that of another.
 */
export async function migrateMessaging(pool: Pool, options?: MigrateOptions): Promise<void> {
  const client = await pool.connect();
  // The failed query rejects. Without a listener, a lost connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  try {
    await migrateMessagingOver(client, options);
    client.off('error', ignore);
    client.release();
  } catch (error) {
    // Closing the connection rolls back whatever is open on it.
    client.release(true);
    throw error;
  }
}

/** `migrateMessaging` over the caller's connection. */
export async function migrateMessagingOver(
  client: ClientBase,
  { schema: schemaName, log }: MigrateOptions = {},
): Promise<void> {
  const schema = new Schema(schemaName);
  const what = `a migration of the schema ${schema.name}`;
  while ((await changeSchema(client, { what, log }, () => migrateOnce(client, schema))) < migrations.length);
}

/** Waits long for other instances that migrate, and only briefly for the locks of tables. */
const takeTurn = (schema: Schema) => `
SET LOCAL lock_timeout = '10 min';
SELECT pg_advisory_xact_lock(hashtextextended('warren.${schema.name}.migrate', 0));
SET LOCAL lock_timeout = ${lockTimeoutMs}`;

/** Creates all tables, or applies the next migration. Resolves to the version that the schema then has. */
async function migrateOnce(client: ClientBase, schema: Schema): Promise<number> {
  await client.query(takeTurn(schema));
  await client.query(bookkeeping(schema));
  const { rows } = await client.query<{ version: number }>(
    `SELECT coalesce(max(version), 0) AS version FROM ${schema}.migration`,
  );
  const current = rows[0]?.version ?? 0;
  const next = current === 0 ? migrations.length : current + 1;
  for (const [index, migration] of migrations.slice(current, next).entries()) {
    await client.query(migration(schema));
    await client.query(`INSERT INTO ${schema}.migration (version) VALUES ($1)`, [current + index + 1]);
  }
  if (current === 0) await makeFirstPartitions(client, schema);
  return next;
}

/** For the first rows. Later partitions are created by retention. */
async function makeFirstPartitions(client: ClientBase, schema: Schema): Promise<void> {
  const { rows } = await client.query<{ now: Date }>('SELECT now()');
  const today = dayOf(rows[0]?.now ?? new Date());
  for (const table of ['outbox', 'inbox'] as const) {
    for (let day = today; day <= today + daysAhead; day++) await makePartition(client, schema, table, day);
  }
}

const daysAhead = 3;

const bookkeeping = (schema: Schema) => `
CREATE SCHEMA IF NOT EXISTS ${schema};
CREATE TABLE IF NOT EXISTS ${schema}.migration (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;
