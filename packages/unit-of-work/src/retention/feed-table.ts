import type { ClientBase } from 'pg';
import type { Schema } from '../schema/schema.js';
import { dayMs, hourMs } from '../time.js';

/**
 * What a feed keeps at `now`: each entry that is among the newest `entries` and not older than `hours`, or `days`, by one
 * of the two rules.
 */
export interface FeedKeep {
  now: Date;
  recent: { entries: number; hours: number };
  lasting: { entries: number; days: number };
}

/** A feed in the order in which feeds are due. */
export interface DueFeed {
  /** A timestamp as PostgreSQL writes it, which may be `-infinity`. */
  dueAt: string;
  userId: string;
}

/** Users whose feeds were not scheduled, so that they are still due. */
export interface Unscheduled {
  /** Their feeds have entries to delete now. */
  old: string[];
  /** Another transaction wrote to their feeds meanwhile, or holds a lock on the counter. */
  busy: string[];
}

/** Feeds as retention works on them: which are due, and what to delete. See migration 009 for the columns. */
export interface FeedTable {
  /** At most 500 due feeds in their order, from behind `after`. */
  due(after?: DueFeed): Promise<DueFeed[]>;
  /** Saves when the feeds of these users, at most 500, are due next. */
  schedule(users: readonly string[]): Promise<Unscheduled>;
  /** Deletes at most 2,000 entries of the first of these users. `left`: users with more entries to delete. */
  prune(users: readonly string[]): Promise<{ deleted: number; left: string[] }>;
  /** Makes a feed due at once. Waits for transactions that hold a lock on its counter. */
  makeDue(userId: string): Promise<void>;
  /** Starts a scan of all feeds if they were scheduled for other limits, or never. */
  startScanIfLimitsChanged(): Promise<void>;
  /** The users of the next 500 feeds of the scan, fewer or none at its end; `undefined` if no scan is under way. */
  nextOfScan(): Promise<string[] | undefined>;
  /** Saves the last user that the scan has handled; `null`: the scan is complete. */
  saveScan(userId: string | null): Promise<void>;
}

/** Few enough for the planner to look each feed up by the index, even in a small table. */
const feedsPerQuery = 500;
const feedsPerDelete = 20;
const entriesPerFeed = 100;

/** The time until which an entry `e` is kept in a feed with the head `u.head`; null where newer ones have pushed it out. */
const keptUntil = `greatest(
  CASE WHEN e.seq > u.head - $2::bigint THEN e.time + $3::bigint * interval '1 ms' END,
  CASE WHEN e.seq > u.head - $4::bigint THEN e.time + $5::bigint * interval '1 ms' END)`;

/** The lowest head at which newer entries push `e` out by one of the rules. */
const pushedAt = `least(
  CASE WHEN e.seq > u.head - $2::bigint THEN e.seq + $2::bigint END,
  CASE WHEN e.seq > u.head - $4::bigint THEN e.seq + $4::bigint END)`;

const kept = `coalesce(${keptUntil} >= $1::timestamptz, false)`;

function statementsOf(schema: Schema) {
  return {
    due: `
SELECT due_at::text AS "dueAt", user_id AS "userId" FROM ${schema}.feed_head
WHERE due_at <= $1 AND (due_at, user_id) > ($2::timestamptz, $3) ORDER BY due_at, user_id
LIMIT ${feedsPerQuery}`,

    /**
     * Returns the feeds that were not scheduled. No transaction is made to wait: a feed whose counter is locked, or has
     * changed since `looked` read it, stays due, so that the next round sees the entry that this one didn't.
     */
    schedule: `
WITH looked AS MATERIALIZED (
  SELECT u.user_id, u.head, e.seq IS NOT NULL AND NOT ${kept} AS old, ${keptUntil} AS due_at, ${pushedAt} AS due_seq
  FROM (SELECT user_id, seq AS head FROM ${schema}.feed_head WHERE user_id = ANY($6::text[])) u
  LEFT JOIN LATERAL (
    SELECT seq, time FROM ${schema}.feed WHERE user_id = u.user_id ORDER BY seq LIMIT 1
  ) e ON true
), free AS MATERIALIZED (
  SELECT user_id, seq FROM ${schema}.feed_head WHERE user_id = ANY($6::text[]) FOR NO KEY UPDATE SKIP LOCKED
), scheduled AS (
  UPDATE ${schema}.feed_head h SET due_at = l.due_at, due_seq = l.due_seq
  FROM looked l JOIN free USING (user_id)
  WHERE h.user_id = ANY($6::text[]) AND h.user_id = l.user_id AND h.seq = l.head AND NOT l.old
    AND (h.due_at, h.due_seq) IS DISTINCT FROM (l.due_at, l.due_seq)
)
SELECT user_id AS "userId", old FROM looked l
WHERE old OR NOT EXISTS (SELECT FROM free f WHERE f.user_id = l.user_id AND f.seq = l.head)`,

    /**
     * Deletes from the oldest entry up to the first one that is kept, so that a feed never has gaps, whatever clocks
     * wrote its times. `more`: users who may have more entries to delete.
     */
    prune: `
WITH cut AS MATERIALIZED (
  SELECT u.user_id, oldest.* FROM (
    SELECT user_id, seq AS head FROM ${schema}.feed_head WHERE user_id = ANY($6::text[])
  ) u CROSS JOIN LATERAL (
    SELECT coalesce(min(e.seq) FILTER (WHERE ${kept}) - 1, max(e.seq)) AS upto,
      count(*) FILTER (WHERE NOT ${kept}) = $7 AS whole
    FROM (SELECT seq, time FROM ${schema}.feed WHERE user_id = u.user_id ORDER BY seq LIMIT $7) e
  ) oldest
), gone AS (
  DELETE FROM ${schema}.feed f USING cut WHERE f.user_id = cut.user_id AND f.seq <= cut.upto RETURNING 1
), personal AS (
  DELETE FROM ${schema}.feed_personal p USING cut WHERE p.user_id = cut.user_id AND p.seq <= cut.upto
)
SELECT (SELECT count(*)::int FROM gone) AS deleted, ARRAY(SELECT user_id FROM cut WHERE whole) AS more`,

    makeDue: `UPDATE ${schema}.feed_head SET due_at = '-infinity' WHERE user_id = $1`,
    startScan: `
UPDATE ${schema}.meta SET feeds_kept = $1, feeds_walked = '' WHERE feeds_kept IS DISTINCT FROM $1`,
    nextOfScan: `
SELECT ARRAY(
  SELECT user_id FROM ${schema}.feed_head WHERE user_id > feeds_walked ORDER BY user_id LIMIT ${feedsPerQuery}
) AS users FROM ${schema}.meta WHERE feeds_walked IS NOT NULL`,
    saveScan: `UPDATE ${schema}.meta SET feeds_walked = $1`,
  };
}

export function createFeedTable(client: ClientBase, schema: Schema, keep: FeedKeep): FeedTable {
  const statements = statementsOf(schema);
  const { now, recent, lasting } = keep;
  const limits = [now, recent.entries, recent.hours * hourMs, lasting.entries, lasting.days * dayMs];

  return {
    async due(after = { dueAt: '-infinity', userId: '' }) {
      return (await client.query<DueFeed>(statements.due, [now, after.dueAt, after.userId])).rows;
    },
    async schedule(users) {
      const { rows } = await client.query<{ userId: string; old: boolean }>(statements.schedule, [
        ...limits,
        users,
      ]);
      const idsWhere = (isOld: boolean) =>
        rows.filter(({ old }) => old === isOld).map(({ userId }) => userId);
      return { old: idsWhere(true), busy: idsWhere(false) };
    },
    async prune(users) {
      const first = users.slice(0, feedsPerDelete);
      const { rows } = await client.query<{ deleted: number; more: string[] }>(statements.prune, [
        ...limits,
        first,
        entriesPerFeed,
      ]);
      const { deleted = 0, more = [] } = rows[0] ?? {};
      return { deleted, left: [...more, ...users.slice(feedsPerDelete)] };
    },
    async makeDue(userId) {
      await client.query(statements.makeDue, [userId]);
    },
    async startScanIfLimitsChanged() {
      await client.query(statements.startScan, [JSON.stringify({ recent, lasting })]);
    },
    async nextOfScan() {
      return (await client.query<{ users: string[] }>(statements.nextOfScan)).rows[0]?.users;
    },
    async saveScan(userId) {
      await client.query(statements.saveScan, [userId]);
    },
  };
}
