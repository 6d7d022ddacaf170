import { dayOfPartition, isoDay, type Partitioned } from './days.js';

/** The least of a database connection that the steps of retention need. */
export interface Db {
  query<Row>(sql: string, values?: unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** The days that have a partition. */
export async function daysOf(db: Db, table: Partitioned): Promise<Set<number>> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'messaging.${table}'::regclass`,
  );
  return new Set(rows.map(({ name }) => dayOfPartition(name)).filter((day) => day !== undefined));
}

/**
 * Makes a day's partition; false if the day has begun without one: its rows then stay in the rest, and are pruned
 * there. Made beside the table and attached, which keeps writers waiting while the rest is looked through.
 */
export async function makePartition(db: Db, table: Partitioned, day: number): Promise<boolean> {
  return call(db, 'make_day($1, $2)', [table, isoDay(day)]);
}

/**
 * Takes a day's partition off the table, unless it still holds what is needed: unpublished events, or events that
 * were handled after `handledSince`. Looks first, and again with everyone locked out, for the moment that it takes;
 * the files go with `dropDetached`, while everyone works again.
 */
export async function detachPartition(
  db: Db,
  table: Partitioned,
  day: number,
  handledSince: Date,
): Promise<'detached' | 'held'> {
  const detached = await call(db, 'detach_day($1, $2, $3)', [table, isoDay(day), handledSince]);
  return detached ? 'detached' : 'held';
}

/** Drops a table that `detachPartition` left, here or in a process that ended then; false if there is none. */
export async function dropDetached(db: Db, table: Partitioned): Promise<boolean> {
  return call(db, 'drop_detached($1)', [table]);
}

/** A function of the schema: its owner may change tables, the role that calls it need not. */
async function call(db: Db, signature: string, values: unknown[]): Promise<boolean> {
  const { rows } = await db.query<{ done: boolean }>(`SELECT messaging.${signature} AS done`, values);
  return rows[0]?.done ?? false;
}
