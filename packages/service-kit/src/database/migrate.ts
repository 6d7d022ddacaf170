import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { openSchemaEngine } from './schema-engine.js';

/** Any number that nobody else locks in this database. */
const lockKey = 7_271_836_471;
const lockTimeout = '120s';

export interface MigrateOptions {
  /** The database's address. */
  url: string;
  /** The folder with `schema.prisma` and `migrations/`; ends with a slash. */
  prisma: URL;
}

/**
 * Applies the service's migrations that the database doesn't have yet and answers their names. Instances that
 * start at once take turns, up to two minutes. `_prisma_migrations` is kept as `prisma migrate deploy` keeps it.
 *
 * Throws if a migration fails, or failed before and was left so.
 */
export async function migrateDatabase({ url, prisma }: MigrateOptions): Promise<string[]> {
  const schema = await readFile(new URL('schema.prisma', prisma), 'utf8');
  const migrationsList = await readMigrations(new URL('migrations/', prisma));
  return await withMigrationLock(url, async (client) => {
    if (await isApplied(client, migrationsList)) return [];
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const engine = await openSchemaEngine(new PrismaPg(pool), schema);
    try {
      const applied = await engine.applyMigrations({ migrationsList, filters: noFilters });
      return applied.appliedMigrationNames;
    } finally {
      engine.free();
      await pool.end();
    }
  });
}

export const noFilters = { externalTables: [], externalEnums: [] };

/**
 * True where the books list exactly these migrations, finished, with these checksums: then the engine, which takes
 * longer to load than all else at start, has nothing to do. It decides in every other case.
 */
async function isApplied(client: pg.Client, { migrationDirectories }: MigrationList): Promise<boolean> {
  const books = await client.query<{ books: string | null }>(
    `SELECT to_regclass('_prisma_migrations') AS books`,
  );
  if (!books.rows[0]?.books) return false;
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
  );
  if (rows.length !== migrationDirectories.length) return false;
  return migrationDirectories.every(({ path, migrationFile }, index) => {
    const row = rows[index];
    if (migrationFile.content.tag !== 'ok' || row?.name !== path || !row.finished) return false;
    return row.checksum === hash('sha256', migrationFile.content.value);
  });
}

/** The lock lives on a connection of its own, so that the server frees it whatever becomes of this process. */
async function withMigrationLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  await client.connect().catch((cause: unknown) => {
    throw new Error('the database cannot be reached', { cause });
  });
  try {
    await client.query(`SET lock_timeout = '${lockTimeout}'`);
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    const result = await work(client);
    if (lost) throw lost;
    return result;
  } finally {
    await client.end().catch(() => {});
  }
}

/** The folder as the engine wants it: loaded, sorted by name. */
export async function readMigrations(folder: URL): Promise<MigrationList> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const migrationDirectories = await Promise.all(
    names.sort().map(async (path) => {
      const value = await readFile(new URL(`${path}/migration.sql`, folder), 'utf8');
      return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
    }),
  );
  const lockfile = await readFile(new URL('migration_lock.toml', folder), 'utf8');
  return {
    baseDir: fileURLToPath(folder),
    lockfile: { path: 'migration_lock.toml', content: lockfile },
    shadowDbInitScript: '',
    migrationDirectories,
  };
}
