import type { Pool } from 'pg';
import type { Limits } from '../limits.js';
import { prepared } from '../prepared.js';
import type { ClaimedRow } from './table.js';

/**
 * Rows of the outbox whose events the bus returned, since no queue took them. No relay claims them with the others, nor
 * do they count as backlog.
 */
export interface ReturnedRows {
  /** Marks rows as returned. A row that was returned before keeps the time of the first return. */
  markReturned(ids: readonly string[]): Promise<void>;
  /** Claims the oldest returned row of each type, for the lease. */
  claimReturned(): Promise<ClaimedRow[]>;
  /** Makes at most `limit` returned rows of these types free for any relay. Resolves to how many. */
  releaseReturned(types: readonly string[], limit: number): Promise<number>;
  /**
   * Gives up at most `limit` rows that were returned first more than `days` ago: they count as published, and
   * confidential ones are deleted. Resolves to how many.
   */
  giveUpReturned(days: number, limit: number): Promise<number>;
}

/** A returned row has the `claimed_until` of a parked one, so that the index of unpublished rows keeps both apart. */
export const isReturned = `published_at IS NULL AND claimed_until = 'infinity' AND parked_at IS NULL`;

const markReturned = prepared(
  'outbox_mark_returned',
  `
UPDATE messaging.outbox SET claimed_until = 'infinity', returned_at = coalesce(returned_at, now())
WHERE id = ANY($1::uuid[]) AND published_at IS NULL AND parked_at IS NULL`,
);

const claimReturned = prepared(
  'outbox_claim_returned',
  `
WITH firsts AS (
  SELECT DISTINCT ON (type) id FROM messaging.outbox WHERE ${isReturned} ORDER BY type, id
), due AS (
  SELECT id FROM messaging.outbox WHERE id IN (SELECT id FROM firsts) AND ${isReturned} FOR UPDATE SKIP LOCKED
)
UPDATE messaging.outbox o SET claimed_until = now() + $1::int * interval '1 ms'
FROM due WHERE o.id = due.id
RETURNING o.id, o.type, o.body, true AS again`,
);

const releaseReturned = prepared(
  'outbox_release_returned',
  `
WITH due AS (
  SELECT id FROM messaging.outbox WHERE ${isReturned} AND type = ANY($1::text[]) LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE messaging.outbox o SET claimed_until = now() FROM due WHERE o.id = due.id`,
);

const giveUpReturned = prepared(
  'outbox_give_up_returned',
  `
WITH due AS (
  SELECT id, confidential FROM messaging.outbox
  WHERE ${isReturned} AND returned_at < now() - $1::int * interval '1 day' LIMIT $2 FOR UPDATE SKIP LOCKED
), forgotten AS (
  DELETE FROM messaging.outbox o USING due WHERE o.id = due.id AND due.confidential RETURNING 1
), published AS (
  UPDATE messaging.outbox o SET published_at = now() FROM due WHERE o.id = due.id AND NOT due.confidential RETURNING 1
)
SELECT (SELECT count(*) FROM forgotten)::int + (SELECT count(*) FROM published)::int AS count`,
);

export function createReturnedRows(pool: Pool, { leaseMs }: Pick<Limits, 'leaseMs'>): ReturnedRows {
  return {
    async markReturned(ids) {
      await pool.query(markReturned([ids]));
    },
    async claimReturned() {
      return (await pool.query<ClaimedRow>(claimReturned([leaseMs]))).rows;
    },
    async releaseReturned(types, limit) {
      return (await pool.query(releaseReturned([types, limit]))).rowCount ?? 0;
    },
    async giveUpReturned(days, limit) {
      return (await pool.query<{ count: number }>(giveUpReturned([days, limit]))).rows[0]?.count ?? 0;
    },
  };
}
