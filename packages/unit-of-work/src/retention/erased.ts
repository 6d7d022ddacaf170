import type { Db } from './partitions.js';

const peoplePerLook = 500;
const rowsPerDelete = 1_000;

/**
 * Deletes events about erased people that were published only after the erasure: those of the next 500 people behind
 * `after`, 1,000 events at most. Each person is looked up by the index, since for a join the planner would read the whole
 * outbox.
 *
 * `last`: the `after` of the next call, which is the same one where there may be more to delete; null at the end.
 */
export async function deleteAboutErased(
  db: Db,
  after: string,
): Promise<{ gone: number; last: string | null }> {
  const { rows } = await db.query<{ gone: number; last: string | null }>(
    `WITH people AS MATERIALIZED (
      SELECT user_id FROM messaging.erased WHERE user_id > $1 ORDER BY user_id LIMIT ${peoplePerLook}
    ), gone AS (
      DELETE FROM messaging.outbox WHERE id = ANY(ARRAY(
        SELECT o.id FROM people p CROSS JOIN LATERAL (
          SELECT id FROM messaging.outbox WHERE about = p.user_id AND published_at IS NOT NULL
          LIMIT ${rowsPerDelete} FOR UPDATE SKIP LOCKED
        ) o LIMIT ${rowsPerDelete}
      )) RETURNING 1
    ), counted AS (
      SELECT count(*)::int AS gone FROM gone
    )
    SELECT gone, CASE WHEN gone = ${rowsPerDelete} THEN $1 ELSE (SELECT max(user_id) FROM people) END AS last
    FROM counted`,
    [after],
  );
  return rows[0] ?? { gone: 0, last: null };
}
