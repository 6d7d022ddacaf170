import type { ClientBase } from 'pg';
import { Schema } from './schema.js';

/** The service that owns this database, which is the one that migrated it first. `undefined` if none is recorded. */
export async function databaseOwner(db: ClientBase, schemaName?: string): Promise<string | undefined> {
  const schema = new Schema(schemaName);
  const { rows } = await db.query('SELECT FROM pg_class WHERE oid = to_regclass($1)', [`${schema}.meta`]);
  if (rows.length === 0) return undefined;
  // Read as JSON, since a database that an older build migrated last has no such column.
  const meta = await db.query<{ service: string | null }>(
    `SELECT to_jsonb(m) ->> 'service' AS service FROM ${schema}.meta m`,
  );
  return meta.rows[0]?.service ?? undefined;
}

/** Records the service as the owner, unless one is recorded. Needs `migrateMessaging` to have run. */
export async function claimDatabase(db: ClientBase, service: string, schemaName?: string): Promise<void> {
  const schema = new Schema(schemaName);
  await db.query(`UPDATE ${schema}.meta SET service = $1 WHERE service IS NULL`, [service]);
}
