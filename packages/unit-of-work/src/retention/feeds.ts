import { dayMs, hourMs } from './days.js';
import type { Db } from './partitions.js';

/**
 * What a feed keeps at `now`: each entry that is among the newest `entries` and not older than `hours`, or `days`, by one
 * of the two rules.
 */
export interface FeedKeep {
  now: Date;
  recent: { entries: number; hours: number };
  lasting: { entries: number; days: number };
}

/** Few enough for the planner to look each feed up by the index, even where there are hardly any others. */
const feedsPerLook = 500;
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

/**
 * Notes when each of these feeds is due next, and returns those that stay as due as they were: feeds with entries to
 * delete now (`old`), and feeds that somebody wrote to since they were looked at, or whose counter is locked. Nobody waits
 * for a lock, and an entry that this look didn't see is seen by the next one.
 */
const schedule = `
WITH looked AS MATERIALIZED (
  SELECT u.user_id, u.head, e.seq IS NOT NULL AND NOT ${kept} AS old, ${keptUntil} AS due_at, ${pushedAt} AS due_seq
  FROM (SELECT user_id, seq AS head FROM messaging.feed_head WHERE user_id = ANY($6::text[])) u
  LEFT JOIN LATERAL (
    SELECT seq, time FROM messaging.feed WHERE user_id = u.user_id ORDER BY seq LIMIT 1
  ) e ON true
), free AS MATERIALIZED (
  SELECT user_id, seq FROM messaging.feed_head WHERE user_id = ANY($6::text[]) FOR NO KEY UPDATE SKIP LOCKED
), scheduled AS (
  UPDATE messaging.feed_head h SET due_at = l.due_at, due_seq = l.due_seq
  FROM looked l JOIN free USING (user_id)
  WHERE h.user_id = ANY($6::text[]) AND h.user_id = l.user_id AND h.seq = l.head AND NOT l.old
    AND (h.due_at, h.due_seq) IS DISTINCT FROM (l.due_at, l.due_seq)
)
SELECT user_id AS "userId", old FROM looked l
WHERE old OR NOT EXISTS (SELECT FROM free f WHERE f.user_id = l.user_id AND f.seq = l.head)`;

/**
 * Deletes from the oldest on, up to the first that is to be kept: a feed has no holes, whatever clock wrote its
 * times. `more`: users of whom there may be more to delete.
 */
const prune = `
WITH cut AS MATERIALIZED (
  SELECT u.user_id, oldest.* FROM (
    SELECT user_id, seq AS head FROM messaging.feed_head WHERE user_id = ANY($6::text[])
  ) u CROSS JOIN LATERAL (
    SELECT coalesce(min(e.seq) FILTER (WHERE ${kept}) - 1, max(e.seq)) AS upto,
      count(*) FILTER (WHERE NOT ${kept}) = $7 AS whole
    FROM (SELECT seq, time FROM messaging.feed WHERE user_id = u.user_id ORDER BY seq LIMIT $7) e
  ) oldest
), gone AS (
  DELETE FROM messaging.feed f USING cut WHERE f.user_id = cut.user_id AND f.seq <= cut.upto RETURNING 1
), personal AS (
  DELETE FROM messaging.feed_personal p USING cut WHERE p.user_id = cut.user_id AND p.seq <= cut.upto
)
SELECT (SELECT count(*)::int FROM gone) AS gone, ARRAY(SELECT user_id FROM cut WHERE whole) AS more`;

/** A feed, by its place in the order in which feeds are due. */
export interface DueFeed {
  /** A timestamp as PostgreSQL writes it, which may be `-infinity`. */
  dueAt: string;
  userId: string;
}

export const beforeAllDue: DueFeed = { dueAt: '-infinity', userId: '' };

/** At most 500 feeds that are due at `now`, in their order, from behind `after`. */
export async function feedsDue(db: Db, after: DueFeed, now: Date): Promise<DueFeed[]> {
  const { rows } = await db.query<DueFeed>(
    `SELECT due_at::text AS "dueAt", user_id AS "userId" FROM messaging.feed_head
    WHERE due_at <= $1 AND (due_at, user_id) > ($2::timestamptz, $3) ORDER BY due_at, user_id
    LIMIT ${feedsPerLook}`,
    [now, after.dueAt, after.userId],
  );
  return rows;
}

/** The ids of users whose feeds were not scheduled: they stay as due as they were. */
export interface Unscheduled {
  /** Their feeds have entries to delete now. */
  old: string[];
  /** Somebody wrote to their feeds meanwhile, or holds a lock on the counter. */
  busy: string[];
}

/** Notes when the feeds of these users, 500 at most, are due next. */
export async function scheduleFeeds(db: Db, users: readonly string[], keep: FeedKeep): Promise<Unscheduled> {
  const { rows } = await db.query<{ userId: string; old: boolean }>(schedule, [...valuesOf(keep), users]);
  const idsWhere = (isOld: boolean) => rows.filter(({ old }) => old === isOld).map(({ userId }) => userId);
  return { old: idsWhere(true), busy: idsWhere(false) };
}

/** Makes a feed due at once. Waits for whoever holds a lock on its counter. */
export async function makeFeedDue(db: Db, user: string): Promise<void> {
  await db.query(`UPDATE messaging.feed_head SET due_at = '-infinity' WHERE user_id = $1`, [user]);
}

/** Deletes 2,000 entries at most, of the first of these users; `left`: the users with entries that are still to go. */
export async function pruneFeeds(
  db: Db,
  users: readonly string[],
  keep: FeedKeep,
): Promise<{ gone: number; left: string[] }> {
  const now = users.slice(0, feedsPerDelete);
  const { rows } = await db.query<{ gone: number; more: string[] }>(prune, [
    ...valuesOf(keep),
    now,
    entriesPerFeed,
  ]);
  const { gone = 0, more = [] } = rows[0] ?? {};
  return { gone, left: [...more, ...users.slice(feedsPerDelete)] };
}

/** Begins a walk over all feeds if their due times were noted for other limits, or never. */
export async function walkIfChanged(db: Db, { recent, lasting }: FeedKeep): Promise<void> {
  await db.query(
    "UPDATE messaging.meta SET feeds_kept = $1, feeds_walked = '' WHERE feeds_kept IS DISTINCT FROM $1",
    [JSON.stringify({ recent, lasting })],
  );
}

/** The users of the next 500 feeds of the walk, fewer or none at its end; `undefined` where no walk is under way. */
export async function feedsToWalk(db: Db): Promise<string[] | undefined> {
  const { rows } = await db.query<{ users: string[] }>(
    `SELECT ARRAY(
      SELECT user_id FROM messaging.feed_head WHERE user_id > feeds_walked ORDER BY user_id LIMIT ${feedsPerLook}
    ) AS users FROM messaging.meta WHERE feeds_walked IS NOT NULL`,
  );
  return rows[0]?.users;
}

/** Notes that the walk has come as far as this user; `null`: it is over. */
export async function noteWalkedTo(db: Db, user: string | null): Promise<void> {
  await db.query('UPDATE messaging.meta SET feeds_walked = $1', [user]);
}

function valuesOf({ now, recent, lasting }: FeedKeep): unknown[] {
  return [now, recent.entries, recent.hours * hourMs, lasting.entries, lasting.days * dayMs];
}
