import type { ClientBase } from 'pg';
import type { Migration } from './migrations.js';

/** What `_prisma_migrations` says of one migration; `finished` is false for one that was left half-way. */
interface Entry {
  name: string;
  sha256: string;
  finished: boolean;
}

/** The migrations that a database has, as `prisma migrate deploy` notes them in `_prisma_migrations`. */
export type MigrationBooks = ReadonlyMap<string, Entry>;

/** Throws for a database that holds tables but no books: nobody knows how they came to be. */
export async function readBooks(client: ClientBase): Promise<MigrationBooks> {
  const books = await client.query(`SELECT FROM pg_class WHERE oid = to_regclass('_prisma_migrations')`);
  if (books.rows.length === 0) {
    await demandEmpty(client);
    return new Map();
  }
  const { rows } = await client.query<Entry>(
    `SELECT migration_name AS name, checksum AS sha256, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return new Map(rows.map((row) => [row.name, row]));
}

async function demandEmpty(client: ClientBase): Promise<void> {
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
 * What is still to be applied of `migrations`. Migrations that the database has and this build doesn't are those of a
 * newer build.
 *
 * Throws for a migration that was applied with other content, and for one that was left half-way.
 */
export function missingFrom(books: MigrationBooks, migrations: readonly Migration[]): Migration[] {
  return migrations.filter(({ name, sha256 }) => {
    const entry = books.get(name);
    if (!entry) return true;
    if (!entry.finished) {
      throw new Error(
        `migration ${name} was left half-way; mend what it left, then set rolled_back_at in its row of _prisma_migrations`,
      );
    }
    if (entry.sha256 !== sha256) {
      throw new Error(
        `migration ${name} was applied with other content: its file was changed since, or this is another service's database`,
      );
    }
    return false;
  });
}

/** Notes a migration as applied. */
export async function noteApplied(client: ClientBase, { name, sha256 }: Migration): Promise<void> {
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES (gen_random_uuid(), $1, $2, now(), clock_timestamp(), 1)`,
    [sha256, name],
  );
}

/** Makes books, as Prisma makes them, where there are none yet. */
export async function makeBooks(client: ClientBase): Promise<void> {
  await client.query(books);
}

const books = `
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
