import type { Pool } from 'pg';
import type { RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';

/** Whether this database has ever had all entities of the source that its handlers keep copies of. */
export async function hasCopyOf(db: RawClient, schema: Schema, source: string): Promise<boolean> {
  const rows = await db.$queryRawUnsafe<unknown[]>(
    `SELECT source FROM ${schema}.copy WHERE source = $1 AND completed_at IS NOT NULL`,
    source,
  );
  return rows.length > 0;
}

/** Requests a complete copy once more. False if the source has not sent the requested one yet. */
export async function requestCopyAgain(pool: Pool, schema: Schema, source: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE ${schema}.copy SET replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
    WHERE source = $1 AND completed_at IS NOT NULL`,
    [source],
  );
  return rowCount === 1;
}
