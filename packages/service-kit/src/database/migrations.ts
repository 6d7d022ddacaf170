import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { changeSchema } from '@warren/unit-of-work';
import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import { type ConnectOptions, withMigrationConnection } from './connect.js';

export interface Migration {
  /** For example `20260101000000_init`. */
  name: string;
  sql: string;
  /** SHA-256 of the file, in hexadecimal digits. */
  sha256: string;
}

export interface MigrateOptions extends ConnectOptions {
  /** The folder with `schema.prisma` and `migrations/`; ends with a slash. */
  prisma: URL;
}

/**
 * Applies the service's migrations that the database lacks, and returns their names. Instances that start at the same time
 * take turns; each waits up to two minutes. `_prisma_migrations` is written as `prisma migrate deploy` writes it.
 *
 * Throws if a migration fails; nothing of that migration is kept.
 */
export async function migrateDatabase({ prisma, ...connection }: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(new URL('migrations/', prisma));
  return await withMigrationConnection(connection, (client) =>
    applyMigrations(client, migrations, connection.log),
  );
}

/** Reads a folder of migrations as Prisma writes it. They are sorted by name. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, folder), 'utf8');
      return { name, sql, sha256: hash('sha256', sql) };
    }),
  );
}

/**
 * `migrateDatabase` over a connection of `withMigrationConnection`. Each migration is one transaction together with its row
 * in `_prisma_migrations`. Prisma's own engine runs a migration statement by statement, waits for locks without a limit,
 * and keeps what it has done if a statement fails.
 */
export async function applyMigrations(
  client: ClientBase,
  migrations: readonly Migration[],
  log?: Logger,
): Promise<string[]> {
  const missing = missingFrom(await readHistory(client), migrations);
  await client.query(createHistory);
  for (const migration of missing) {
    const what = `migration ${migration.name}`;
    await changeSchema(client, { what, log }, async () => {
      await client.query(migration.sql).catch((cause: unknown) => {
        throw Object.assign(new Error(`${what} failed`, { cause }), {
          code: (cause as { code?: unknown }).code,
        });
      });
      await client.query(noteApplied, [migration.sha256, migration.name]);
    });
  }
  return missing.map(({ name }) => name);
}

/** A row of `_prisma_migrations`. `finished` is false for a migration that stopped half-way. */
interface Applied {
  name: string;
  sha256: string;
  finished: boolean;
}

/**
 * The migrations that `_prisma_migrations` lists, by name, oldest first. Throws if the database has tables but no list of
 * migrations, since nobody knows how they were made.
 */
export async function readHistory(client: ClientBase): Promise<ReadonlyMap<string, Applied>> {
  const table = await client.query(`SELECT FROM pg_class WHERE oid = to_regclass('_prisma_migrations')`);
  if (table.rows.length === 0) {
    await requireEmpty(client);
    return new Map();
  }
  const { rows } = await client.query<Applied>(
    `SELECT migration_name AS name, checksum AS sha256, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return new Map(rows.map((row) => [row.name, row]));
}

async function requireEmpty(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype = 'e')
     ORDER BY 1 LIMIT 1`,
  );
  if (rows[0]) {
    throw new Error(
      `the database is not empty: it has a table ${rows[0].name}, but no list of the migrations that made it`,
    );
  }
}

/**
 * The migrations that are still to be applied. A newer build may have applied migrations that this build doesn't have.
 *
 * Throws for a migration that was applied with other content, and for one that stopped half-way.
 */
function missingFrom(history: ReadonlyMap<string, Applied>, migrations: readonly Migration[]): Migration[] {
  return migrations.filter(({ name, sha256 }) => {
    const applied = history.get(name);
    if (!applied) return true;
    if (!applied.finished) {
      throw new Error(
        `migration ${name} was left half-way; mend what it left, then set rolled_back_at in its row of _prisma_migrations`,
      );
    }
    if (applied.sha256 !== sha256) {
      throw new Error(
        `migration ${name} was applied with other content: its file was changed since, or this is another service's database`,
      );
    }
    return false;
  });
}

const noteApplied = `INSERT INTO _prisma_migrations
  (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
  VALUES (gen_random_uuid(), $1, $2, now(), clock_timestamp(), 1)`;

/** The table as Prisma creates it. */
const createHistory = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
)`;
