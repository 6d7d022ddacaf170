import type { Db } from './partitions.js';

/** What a feed keeps: entries that are among the newest, and not too old for it. */
export interface FeedKeep {
  recent: { entries: number; since: Date };
  lasting: { entries: number; since: Date };
}

const usersPerLook = 1_000;
const usersPerDelete = 20;
const entriesPerUser = 100;

/** Of an entry `e` in a feed with the head `u.head`. */
const kept = `
((e.time >= $3 AND e.seq > u.head - $4) OR (e.time >= $5 AND e.seq > u.head - $6))`;

/** Users in the order of their ids whose oldest entry is not to be kept: one look at an index for each of them. */
const due = `
WITH users AS MATERIALIZED (
  SELECT user_id, seq AS head FROM messaging.feed_head WHERE user_id > $1 ORDER BY user_id LIMIT $2
), due AS (
  SELECT u.user_id FROM users u CROSS JOIN LATERAL (
    SELECT seq, time FROM messaging.feed WHERE user_id = u.user_id ORDER BY seq LIMIT 1
  ) e WHERE NOT ${kept}
)
SELECT (SELECT max(user_id) FROM users) AS last, ARRAY(SELECT user_id FROM due) AS due`;

/**
 * Deletes from the oldest on, up to the first that is to be kept: a feed has no holes, whatever clock wrote its
 * times. `more`: users of whom there may be more to delete.
 */
const prune = `
WITH cut AS MATERIALIZED (
  SELECT u.user_id, oldest.* FROM (
    SELECT user_id, seq AS head FROM messaging.feed_head WHERE user_id = ANY($1::text[])
  ) u CROSS JOIN LATERAL (
    SELECT coalesce(min(e.seq) FILTER (WHERE ${kept}) - 1, max(e.seq)) AS upto,
      count(*) FILTER (WHERE NOT ${kept}) = $2 AS whole
    FROM (SELECT seq, time FROM messaging.feed WHERE user_id = u.user_id ORDER BY seq LIMIT $2) e
  ) oldest
), gone AS (
  DELETE FROM messaging.feed f USING cut WHERE f.user_id = cut.user_id AND f.seq <= cut.upto RETURNING 1
), personal AS (
  DELETE FROM messaging.feed_personal p USING cut WHERE p.user_id = cut.user_id AND p.seq <= cut.upto
)
SELECT (SELECT count(*)::int FROM gone) AS gone, ARRAY(SELECT user_id FROM cut WHERE whole) AS more`;

/** Users above `after` who have entries to lose; `last`: the last user that was looked at, null at the end. */
export async function feedsDue(
  db: Db,
  after: string,
  keep: FeedKeep,
): Promise<{ last: string | null; due: string[] }> {
  const { rows } = await db.query<{ last: string | null; due: string[] }>(due, [
    after,
    usersPerLook,
    ...valuesOf(keep),
  ]);
  return rows[0] ?? { last: null, due: [] };
}

/** Deletes 2,000 entries at most, of the first of these users; `left`: those who still have some to lose. */
export async function pruneFeeds(
  db: Db,
  users: readonly string[],
  keep: FeedKeep,
): Promise<{ gone: number; left: string[] }> {
  const now = users.slice(0, usersPerDelete);
  const { rows } = await db.query<{ gone: number; more: string[] }>(prune, [
    now,
    entriesPerUser,
    ...valuesOf(keep),
  ]);
  const { gone = 0, more = [] } = rows[0] ?? {};
  return { gone, left: [...more, ...users.slice(usersPerDelete)] };
}

function valuesOf({ recent, lasting }: FeedKeep): unknown[] {
  return [recent.since, recent.entries, lasting.since, lasting.entries];
}
