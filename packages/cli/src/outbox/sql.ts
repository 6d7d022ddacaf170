import type { Database, Statement } from '../connections.js';

export interface OutboxCounts {
  /** Without parked and returned events. */
  unpublished: number;
  /** Age of the oldest unpublished event, in seconds. */
  oldestUnpublished: number | null;
  /** Unpublished events that a relay holds a lease on. */
  leased: number;
  /** Events that the broker refused. */
  parked: number;
  /** Events that no queue took although a service consumes them. The relay publishes them once a queue is there. */
  returned: number;
  /** Counts only events that were written within the last day. */
  publishedLastHour: number;
}

export interface ParkedEvent {
  id: string;
  type: string;
  /** RFC 3339, UTC. */
  parkedAt: string;
  ageSeconds: number;
  /** The broker's reason. */
  because: string;
  /** Size of the event's body. */
  bytes: number;
}

/** `null` means any. */
export interface ParkedFilter {
  types: readonly string[] | null;
  ids: readonly string[] | null;
  /** `since` and `before` compare the time at which the event was parked. */
  since: Date | null;
  before: Date | null;
}

export interface TableSize {
  name: string;
  /** Includes indexes. */
  bytes: number;
  /** PostgreSQL's estimate. */
  rows: number;
  /** Empty for a table without partitions. */
  partitions: { name: string; bytes: number; rows: number }[];
}

const unpublished: Statement = (schema) => `
SELECT (count(*) FILTER (WHERE claimed_until < 'infinity'))::int AS unpublished,
  extract(epoch FROM now() - min(created_at) FILTER (WHERE claimed_until < 'infinity'))::float8 AS "oldestUnpublished",
  (count(*) FILTER (WHERE claimed_until < 'infinity' AND claimed_until > now()))::int AS leased,
  (count(*) FILTER (WHERE parked_at IS NOT NULL))::int AS parked,
  (count(*) FILTER (WHERE claimed_until = 'infinity' AND parked_at IS NULL))::int AS returned
FROM ${schema}.outbox WHERE published_at IS NULL`;

/** `claimed_until` is redundant, but it lets the query use the outbox's partial index. */
const isParked = `published_at IS NULL AND claimed_until = 'infinity' AND parked_at IS NOT NULL`;

const parkedMatching: Statement = (schema) => `
FROM ${schema}.outbox
WHERE ${isParked} AND ($1::text[] IS NULL OR type = ANY($1)) AND ($2::text[] IS NULL OR id::text = ANY($2))
  AND ($3::timestamptz IS NULL OR parked_at >= $3) AND ($4::timestamptz IS NULL OR parked_at < $4)`;

const parkedCount: Statement = (schema) => `SELECT count(*)::int AS count ${parkedMatching(schema)}`;

const parkedPage: Statement = (schema) => `
SELECT id, type, to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "parkedAt",
  extract(epoch FROM now() - parked_at)::int AS "ageSeconds", coalesce(parked_because, '') AS because,
  octet_length(body) AS bytes
${parkedMatching(schema)} ORDER BY outbox.parked_at, id LIMIT $5`;

const retry: Statement = (schema) => `
UPDATE ${schema}.outbox SET claimed_until = now(), parked_at = NULL, parked_because = NULL
WHERE id = ANY($1::uuid[]) AND ${isParked} RETURNING id`;

const discard: Statement = (schema) =>
  `DELETE FROM ${schema}.outbox WHERE id = ANY($1::uuid[]) AND ${isParked} RETURNING id`;

/** Selects by id, because the outbox is indexed by it: the id is compared with the smallest UUIDv7 of a day ago. */
const published: Statement = (schema) => `
SELECT count(*)::int AS count FROM ${schema}.outbox
WHERE id >= (lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  AND published_at > now() - interval '1 hour'`;

/** `pg_partition_tree` returns no row for a table without partitions: such a table counts as its own only leaf. */
const sizes: Statement = (schema) => `
SELECT wanted.name AS "table", pg_class.relname AS name, coalesce(isleaf, true) AS leaf, coalesce(level, 0) AS level,
  pg_total_relation_size(pg_class.oid)::float8 AS bytes, greatest(reltuples, 0)::float8 AS rows
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
  LEFT JOIN LATERAL pg_partition_tree(to_regclass('${schema}.' || wanted.name)) AS tree ON true
  JOIN pg_class ON pg_class.oid = coalesce(tree.relid, to_regclass('${schema}.' || wanted.name))
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
  const none = { unpublished: 0, oldestUnpublished: null, leased: 0, parked: 0, returned: 0 };
  return { ...none, ...counts, publishedLastHour: recent?.count ?? 0 };
}

/** The oldest `limit` matching events, and the number of all matching events. */
export async function parkedEvents(
  database: Database,
  { types, ids, since, before }: ParkedFilter,
  limit: number,
): Promise<{ events: ParkedEvent[]; matching: number }> {
  const filter = [types, ids, since, before];
  const events = await database.rows<ParkedEvent>(parkedPage, [...filter, limit]);
  if (events.length < limit) return { events, matching: events.length };
  return { events, matching: (await database.rows<{ count: number }>(parkedCount, filter))[0]?.count ?? 0 };
}

/** Lets relays publish the events again. Returns the ids of the ones that were still parked. */
export async function retryParked(database: Database, ids: readonly string[]): Promise<string[]> {
  return (await database.rows<{ id: string }>(retry, [ids])).map(({ id }) => id);
}

/** Returns the ids of the events that were still parked. */
export async function discardParked(database: Database, ids: readonly string[]): Promise<string[]> {
  return (await database.rows<{ id: string }>(discard, [ids])).map(({ id }) => id);
}

/** Sizes of tables of the kit, with their partitions. Omits tables that don't exist. */
export async function tableSizes(database: Database, tables: readonly string[]): Promise<TableSize[]> {
  const rows = await database.rows<SizeRow>(sizes, [tables]);
  return tables.flatMap((table) => {
    const leaves = rows.filter((row) => row.table === table && row.leaf);
    if (leaves.length === 0) return [];
    const total = (pick: (row: SizeRow) => number) => leaves.reduce((sum, row) => sum + pick(row), 0);
    const partitions = leaves
      .filter(({ level }) => level > 0)
      .map(({ name, bytes, rows: count }) => ({
        name,
        bytes,
        rows: count,
      }));
    return [{ name: table, bytes: total(({ bytes }) => bytes), rows: total((row) => row.rows), partitions }];
  });
}
