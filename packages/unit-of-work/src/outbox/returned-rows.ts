import type { Pool } from 'pg';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import type { ClaimedRow } from './table.js';

/**
 * Rows of the outbox whose events the bus returned because no queue took them. `OutboxTable.claim` does not claim them,
 * and they don't count as backlog.
 */
export interface ReturnedRows {
  /** Marks rows as returned. A row that was returned before keeps the time of the first return. */
  markReturned(ids: readonly string[]): Promise<void>;
  /** Claims the oldest returned row of each type, for the lease. */
  claimReturned(): Promise<ClaimedRow[]>;
  /** Releases at most `limit` returned rows of these types to any relay. Resolves to how many. */
  releaseReturned(types: readonly string[], limit: number): Promise<number>;
  /**
   * Gives up at most `limit` rows that were first returned more than `days` ago: they count as published, and
   * confidential ones are deleted. Resolves to how many.
   */
  giveUpReturned(days: number, limit: number): Promise<number>;
}

/** Returned and parked rows have the same `claimed_until`, so that one part of the index holds both. */
export const isReturned = `published_at IS NULL AND claimed_until = 'infinity' AND parked_at IS NULL`;

function statementsOf(schema: Schema) {
  return {
    markReturned: schema.prepared(
      'outbox_mark_returned',
      `
UPDATE ${schema}.outbox SET claimed_until = 'infinity', returned_at = coalesce(returned_at, now())
WHERE id = ANY($1::uuid[]) AND published_at IS NULL AND parked_at IS NULL`,
    ),

    claimReturned: schema.prepared(
      'outbox_claim_returned',
      `
WITH firsts AS (
  SELECT DISTINCT ON (type) id FROM ${schema}.outbox WHERE ${isReturned} ORDER BY type, id
), due AS (
  SELECT id FROM ${schema}.outbox WHERE id IN (SELECT id FROM firsts) AND ${isReturned} FOR UPDATE SKIP LOCKED
)
UPDATE ${schema}.outbox o SET claimed_until = now() + $1::int * interval '1 ms'
FROM due WHERE o.id = due.id
RETURNING o.id, o.type, o.body, true AS again`,
    ),

    releaseReturned: schema.prepared(
      'outbox_release_returned',
      `
WITH due AS (
  SELECT id FROM ${schema}.outbox WHERE ${isReturned} AND type = ANY($1::text[]) LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE ${schema}.outbox o SET claimed_until = now() FROM due WHERE o.id = due.id`,
    ),

    giveUpReturned: schema.prepared(
      'outbox_give_up_returned',
      `
WITH due AS (
  SELECT id, confidential FROM ${schema}.outbox
  WHERE ${isReturned} AND returned_at < now() - $1::int * interval '1 day' LIMIT $2 FOR UPDATE SKIP LOCKED
), deleted AS (
  DELETE FROM ${schema}.outbox o USING due WHERE o.id = due.id AND due.confidential RETURNING 1
), published AS (
  UPDATE ${schema}.outbox o SET published_at = now() FROM due WHERE o.id = due.id AND NOT due.confidential RETURNING 1
)
SELECT (SELECT count(*) FROM deleted)::int + (SELECT count(*) FROM published)::int AS count`,
    ),
  };
}

export function createReturnedRows(
  pool: Pool,
  schema: Schema,
  { leaseMs }: Pick<Limits, 'leaseMs'>,
): ReturnedRows {
  const statements = statementsOf(schema);

  return {
    async markReturned(ids) {
      await pool.query(statements.markReturned([ids]));
    },
    async claimReturned() {
      return (await pool.query<ClaimedRow>(statements.claimReturned([leaseMs]))).rows;
    },
    async releaseReturned(types, limit) {
      return (await pool.query(statements.releaseReturned([types, limit]))).rowCount ?? 0;
    },
    async giveUpReturned(days, limit) {
      const { rows } = await pool.query<{ count: number }>(statements.giveUpReturned([days, limit]));
      return rows[0]?.count ?? 0;
    },
  };
}
