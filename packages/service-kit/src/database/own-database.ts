import { databaseOwner } from '@warren/unit-of-work';
import type { ClientBase } from 'pg';
import { UnsuitableDatabase } from './connect.js';
import { type Migration, readHistory } from './migrations.js';

/** The service that a database should belong to. */
export interface Owner {
  service: string;
  /** The name of the schema with the kit's tables. */
  messaging: string;
}

/**
 * Throws `UnsuitableDatabase` if the database belongs to another service, or if the `search_path` doesn't begin with
 * `public`. Returns `unclaimed` if no service has migrated it yet, or if it was migrated before databases recorded their
 * service.
 */
export async function requireOwnDatabase(
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
 * `requireOwnDatabase` before a migration. Also throws if the database was migrated by another service before databases
 * recorded their service, and if the role doesn't own all tables.
 */
export async function requireMigratable(
  client: ClientBase,
  owner: Owner,
  migrations: readonly Migration[],
): Promise<void> {
  await requireTableOwner(client, owner.messaging);
  const found = await requireOwnDatabase(client, owner);
  const [first] = (await readHistory(client)).values();
  const known = new Map(migrations.map(({ name, sha256 }) => [name, sha256]));
  if (found === 'unclaimed' && first && known.get(first.name) !== first.sha256) {
    throw new UnsuitableDatabase(
      `the database was made by migrations that are not those of ${owner.service}; it needs one of its own: see DATABASE_URL`,
    );
  }
}

async function requireTableOwner(client: ClientBase, messaging: string): Promise<void> {
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
