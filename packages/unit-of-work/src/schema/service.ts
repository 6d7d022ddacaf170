import type { ClientBase } from 'pg';

/** Whose database this is: the service that migrated it first. `undefined` if nobody has said so yet. */
export async function serviceOf(db: ClientBase): Promise<string | undefined> {
  const { rows } = await db.query(`SELECT FROM pg_class WHERE oid = to_regclass('messaging.meta')`);
  if (rows.length === 0) return undefined;
  // The column is missing where an older build migrated last.
  const meta = await db.query<{ service: string | null }>(
    `SELECT to_jsonb(m) ->> 'service' AS service FROM messaging.meta m`,
  );
  return meta.rows[0]?.service ?? undefined;
}

/** Notes whose database this is, for good. Needs `migrateMessaging` to have run. */
export async function claimFor(service: string, db: ClientBase): Promise<void> {
  await db.query('UPDATE messaging.meta SET service = $1 WHERE service IS NULL', [service]);
}
