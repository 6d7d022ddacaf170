import { databaseOwner } from '@warren/unit-of-work';
import type { ClientBase } from 'pg';
import { readBooks } from './migration-books.js';
import type { Migration } from './migrations.js';

/** The database is there, but a service can't work on it; the message says why, and what to do. */
export class UnsuitableDatabase extends Error {
  override readonly name = 'UnsuitableDatabase';
}

/** Whose database it should be. */
export interface Owner {
  service: string;
  /** The name of the schema with the kit's tables. */
  messaging: string;
}

/**
 * Throws `UnsuitableDatabase` unless the database is the service's own: where another service has migrated it, or where
 * tables would be looked for outside of `public`.
 */
export async function demandOwnDatabase(
  db: ClientBase,
  { service, messaging }: Owner,
): Promise<'known' | 'unclaimed'> {
  const { rows } = await db.query<{ database: string; schema: string | null }>(
    'SELECT current_database() AS database, current_schema() AS schema',
  );
  const [{ database, schema } = { database: '', schema: null }] = rows;
  if (schema !== 'public') {
    throw new UnsuitableDatabase(
      `tables would be looked for in ${schema ?? 'no schema at all'}: the search_path of the role, or of the address, must begin with public`,
    );
  }
  const owner = await databaseOwner(db, messaging);
  if (owner !== undefined && owner !== service) {
    throw new UnsuitableDatabase(
      `the database ${database} belongs to the service ${owner}; ${service} needs one of its own: see DATABASE_URL`,
    );
  }
  return owner === undefined ? 'unclaimed' : 'known';
}

/**
 * `demandOwnDatabase` before anything is migrated, also for what was made before databases named their service, and for
 * what the role may not change.
 */
export async function demandMigratable(
  client: ClientBase,
  owner: Owner,
  migrations: readonly Migration[],
): Promise<void> {
  await demandOwnTables(client, owner.messaging);
  const found = await demandOwnDatabase(client, owner);
  const [first] = (await readBooks(client)).values();
  const known = new Map(migrations.map(({ name, sha256 }) => [name, sha256]));
  if (found === 'unclaimed' && first && known.get(first.name) !== first.sha256) {
    throw new UnsuitableDatabase(
      `the database was made by migrations that are not those of ${owner.service}; it needs one of its own: see DATABASE_URL`,
    );
  }
}

async function demandOwnTables(client: ClientBase, messaging: string): Promise<void> {
  const { rows } = await client.query<{ table: string; owner: string; role: string }>(
    `SELECT oid::regclass::text AS table, relowner::regrole::text AS owner, current_user AS role FROM pg_class c
     WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', $1))
       AND relkind IN ('r', 'p') AND NOT pg_has_role(relowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype = 'e')
     LIMIT 1`,
    [messaging],
  );
  const [foreign] = rows;
  if (!foreign) return;
  const { table, owner, role } = foreign;
  throw new UnsuitableDatabase(
    `the table ${table} belongs to the role ${owner}, so ${role} can't migrate it: name its owner in MIGRATE_DATABASE_URL, or hand all over with REASSIGN OWNED BY ${owner} TO ${role}`,
  );
}
