import { dayMs, hourMs } from './days.js';
import type { Db } from './partitions.js';

/** What a feed keeps: entries that are among the newest, and not too old for it, at `now`. */
export interface FeedKeep {
  now: Date;
  recent: { entries: number; hours: number };
  lasting: { entries: number; days: number };
}

/** Few enough that they are looked up by the index, however few feeds there are beside them. */
const feedsPerLook = 500;
const feedsPerDelete = 20;
const entriesPerFeed = 100;

/** Until when an entry `e` is kept in a feed with the head `u.head`: null where newer ones have pushed it out. */
const keptUntil = `greatest(
  CASE WHEN e.seq > u.head - $2::bigint THEN e.time + $3::bigint * interval '1 ms' END,
  CASE WHEN e.seq > u.head - $4::bigint THEN e.time + $5::bigint * interval '1 ms' END)`;

/** The least number of the head at which that changes. */
const pushedAt = `least(
  CASE WHEN e.seq > u.head - $2::bigint THEN e.seq + $2::bigint END,
  CASE WHEN e.seq > u.head - $4::bigint THEN e.seq + $4::bigint END)`;

const kept = `coalesce(${keptUntil} >= $1::timestamptz, false)`;

/**
 * Writes down when to look at these feeds again, but for those that have something to lose now. A feed that somebody
 * wrote to meanwhile, or holds now, stays as due as it was: nobody waits for it, and the entry that isn't seen here is
 * seen the next time. Both are answered.
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

/** A place in the order in which feeds are due. */
export interface DueFeed {
  /** As the database writes it. */
  dueAt: string;
  userId: string;
}

export const beforeAllDue: DueFeed = { dueAt: '-infinity', userId: '' };

/** The next feeds behind `after` that are due at `now`, 500 at most. */
export async function feedsDue(db: Db, after: DueFeed, now: Date): Promise<DueFeed[]> {
  const { rows } = await db.query<DueFeed>(
    `SELECT due_at::text AS "dueAt", user_id AS "userId" FROM messaging.feed_head
    WHERE due_at <= $1 AND (due_at, user_id) > ($2::timestamptz, $3) ORDER BY due_at, user_id
    LIMIT ${feedsPerLook}`,
    [now, after.dueAt, after.userId],
  );
  return rows;
}

/** Users whose feeds stay as due as they were. */
export interface Unscheduled {
  /** These have entries to lose now. */
  old: string[];
  /** Somebody wrote to these, or held them. */
  busy: string[];
}

/** Notes when these feeds are due again, where that can be said. */
export async function scheduleFeeds(db: Db, users: readonly string[], keep: FeedKeep): Promise<Unscheduled> {
  const { rows } = await db.query<{ userId: string; old: boolean }>(schedule, [...valuesOf(keep), users]);
  const idsOf = (wanted: boolean) => rows.filter(({ old }) => old === wanted).map(({ userId }) => userId);
  return { old: idsOf(true), busy: idsOf(false) };
}

/** Makes a feed due at once. Waits for whoever holds it. */
export async function makeFeedDue(db: Db, user: string): Promise<void> {
  await db.query(`UPDATE messaging.feed_head SET due_at = '-infinity' WHERE user_id = $1`, [user]);
}

/** Deletes 2,000 entries at most, of the first of these users; `left`: those who still have some to lose. */
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

/** Begins a walk over all feeds if what they keep is not what their times were noted for. */
export async function walkIfChanged(db: Db, { recent, lasting }: FeedKeep): Promise<void> {
  await db.query(
    "UPDATE messaging.meta SET feeds_kept = $1, feeds_walked = '' WHERE feeds_kept IS DISTINCT FROM $1",
    [JSON.stringify({ recent, lasting })],
  );
}

/** The next feeds that the walk over all of them comes to, 500 at most; `undefined` where none is under way. */
export async function feedsToWalk(db: Db): Promise<string[] | undefined> {
  const { rows } = await db.query<{ users: string[] }>(
    `SELECT ARRAY(
      SELECT user_id FROM messaging.feed_head WHERE user_id > feeds_walked ORDER BY user_id LIMIT ${feedsPerLook}
    ) AS users FROM messaging.meta WHERE feeds_walked IS NOT NULL`,
  );
  return rows[0]?.users;
}

/** Notes that the walk came to this user; `null`: it is over. */
export async function walkedTo(db: Db, user: string | null): Promise<void> {
  await db.query('UPDATE messaging.meta SET feeds_walked = $1', [user]);
}

function valuesOf({ now, recent, lasting }: FeedKeep): unknown[] {
  return [now, recent.entries, recent.hours * hourMs, lasting.entries, lasting.days * dayMs];
}
