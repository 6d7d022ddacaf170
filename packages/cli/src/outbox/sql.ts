import type { Database } from '../connections.js';

export interface OutboxCounts {
  unpublished: number;
  /** Seconds. */
  oldestUnpublished: number | null;
  /** Of the unpublished, those that a relay owns now. */
  leased: number;
  /** Of what was written within the last day. */
  publishedLastHour: number;
}

export interface TableSize {
  name: string;
  /** With indexes. */
  bytes: number;
  /** As the database estimates it. */
  rows: number;
  /** Empty for a table that has none. */
  partitions: { name: string; bytes: number; rows: number }[];
}

const unpublished = `
SELECT count(*)::int AS unpublished,
  extract(epoch FROM now() - min(created_at))::float8 AS "oldestUnpublished",
  (count(*) FILTER (WHERE claimed_until > now()))::int AS leased
FROM messaging.outbox WHERE published_at IS NULL`;

/** By id, since that is what the outbox is ordered by: the least UUIDv7 of a day ago. */
const published = `
SELECT count(*)::int AS count FROM messaging.outbox
WHERE id >= (lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  AND published_at > now() - interval '1 hour'`;

/** `pg_partition_tree` knows nothing of a table without partitions, which is its own and only leaf. */
const sizes = `
SELECT wanted.name AS "table", pg_class.relname AS name, coalesce(isleaf, true) AS leaf, coalesce(level, 0) AS level,
  pg_total_relation_size(pg_class.oid)::float8 AS bytes, greatest(reltuples, 0)::float8 AS rows
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
  LEFT JOIN LATERAL pg_partition_tree(to_regclass('messaging.' || wanted.name)) AS tree ON true
  JOIN pg_class ON pg_class.oid = coalesce(tree.relid, to_regclass('messaging.' || wanted.name))
ORDER BY wanted.place, level, pg_class.relname`;

interface SizeRow {
  table: string;
  name: string;
  leaf: boolean;
  level: number;
  bytes: number;
  rows: number;
}

export async function outboxCounts(database: Database): Promise<OutboxCounts> {
  const [counts] = await database.rows<Omit<OutboxCounts, 'publishedLastHour'>>(unpublished);
  const [recent] = await database.rows<{ count: number }>(published);
  const none = { unpublished: 0, oldestUnpublished: null, leased: 0 };
  return { ...none, ...counts, publishedLastHour: recent?.count ?? 0 };
}

/** Sizes of tables of the schema `messaging`, with their partitions; those that don't exist are left out. */
export async function tableSizes(database: Database, tables: readonly string[]): Promise<TableSize[]> {
  const rows = await database.rows<SizeRow>(sizes, [tables]);
  return tables.flatMap((table) => {
    const leaves = rows.filter((row) => row.table === table && row.leaf);
    if (leaves.length === 0) return [];
    const total = (pick: (row: SizeRow) => number) => leaves.reduce((sum, row) => sum + pick(row), 0);
    const partitions = leaves
      .filter(({ level }) => level > 0)
      .map(({ name, bytes, rows: count }) => ({
        name: name.replace(/^messaging\./, ''),
        bytes,
        rows: count,
      }));
    return [{ name: table, bytes: total(({ bytes }) => bytes), rows: total((row) => row.rows), partitions }];
  });
}
