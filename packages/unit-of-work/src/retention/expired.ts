import type { Db } from './partitions.js';

/** Rows that go one by one, some at a time. */
export interface Expiring {
  /** In the schema `messaging`. */
  table: string;
  /** SQL of a row that is expired at `$1`. */
  condition: string;
  /** `$1` */
  before: Date;
  /** An indexed column. Rows are found in its order, so that those that haven't expired aren't read. */
  order?: string;
}

const rowsPerDelete = 1_000;

/** Deletes some; true if there may be more. Skips what someone else has locked, until the next time. */
export async function deleteExpired(
  db: Db,
  { table, condition, before, order }: Expiring,
): Promise<{ gone: number; more: boolean }> {
  const { rowCount } = await db.query(
    `DELETE FROM messaging.${table} WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM messaging.${table} WHERE ${condition} ${order ? `ORDER BY ${order}` : ''}
      LIMIT ${rowsPerDelete} FOR UPDATE SKIP LOCKED
    ))`,
    [before],
  );
  return { gone: rowCount ?? 0, more: rowCount === rowsPerDelete };
}
