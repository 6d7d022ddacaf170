import { dayOfPartition, leastId, type Partitioned, partitionName } from './days.js';

/** The least of a database connection that the steps of retention need. */
export interface Db {
  query<Row>(sql: string, values?: unknown[]): Promise<{ rows: Row[]; rowCount: number | null }>;
}

const ids = { outbox: 'id', inbox: 'event_id' } as const;

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
  const name = `messaging.${partitionName(table, day)}`;
  const [from, to] = [leastId(day), leastId(day + 1)];
  const { rows } = await db.query(
    `SELECT FROM messaging.${table}_rest WHERE ${ids[table]} >= $1 AND ${ids[table]} < $2 LIMIT 1`,
    [from, to],
  );
  if (rows.length > 0) return false;
  await db.query(`CREATE TABLE ${name} (LIKE messaging.${table} INCLUDING ALL)`);
  await db.query(
    `ALTER TABLE messaging.${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}')`,
  );
  return true;
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
  const name = `messaging.${partitionName(table, day)}`;
  const isNeeded = async () => {
    const { rows } =
      table === 'outbox'
        ? await db.query(`SELECT FROM ${name} WHERE published_at IS NULL LIMIT 1`)
        : await db.query(`SELECT FROM ${name} WHERE handled_at > $1 LIMIT 1`, [handledSince]);
    return rows.length > 0;
  };
  if (await isNeeded()) return 'held';
  // The parent first, as everyone does: nobody is then left holding the one while waiting for the other.
  await db.query(`LOCK TABLE ONLY messaging.${table} IN ACCESS EXCLUSIVE MODE`);
  if (await isNeeded()) return 'held';
  await db.query(`ALTER TABLE messaging.${table} DETACH PARTITION ${name}`);
  return 'detached';
}

/** Drops a table that `detachPartition` left, here or in a process that ended then; false if there is none. */
export async function dropDetached(db: Db, table: Partitioned): Promise<boolean> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'messaging'::regnamespace AND relkind = 'r' AND NOT relispartition AND relname ~ $1
    LIMIT 1`,
    [`^${table}_[0-9]{8}$`],
  );
  if (!rows[0]) return false;
  await db.query(`DROP TABLE messaging.${rows[0].name}`);
  return true;
}
