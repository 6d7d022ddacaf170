import type { Pool } from 'pg';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import type { OutboxRow } from '../transaction/effects.js';
import { createReturnedRows, isReturned, type ReturnedRows } from './returned-rows.js';

export interface ClaimedRow extends OutboxRow {
  /** A relay had claimed the row before, so the event may have been published already. */
  again: boolean;
}

/** A claim that a relay gives up: any relay may claim the row after `delayMs`. */
export interface ReleasedRow {
  id: string;
  delayMs: number;
}

export interface ParkedRow {
  id: string;
  /** What the broker said, for operators. */
  because: string;
}

export interface OutboxCount {
  /** Neither published, parked nor returned. */
  unpublished: number;
  /** Refused by the broker; they wait for an operator. */
  parked: number;
  /** No queue took them. */
  returned: number;
}

/** The outbox as relays work on it: single statements that hold no lock while an event is published. */
export interface OutboxTable extends ReturnedRows {
  /** Claims at most `limit` unpublished rows for the lease, those first that are free for longest. */
  claim(limit: number): Promise<ClaimedRow[]>;
  /** Confidential rows are deleted instead. */
  markPublished(ids: readonly string[]): Promise<void>;
  /** Gives claims up. */
  release(rows: readonly ReleasedRow[]): Promise<void>;
  /** Sets rows aside that the broker refuses, until an operator decides. */
  park(rows: readonly ParkedRow[]): Promise<void>;
  /** Counts unpublished rows up to `max`, and parked and returned ones up to 1,000 each. */
  count(max: number): Promise<OutboxCount>;
}

function statementsOf(schema: Schema) {
  return {
    /** `floor`: where the next poll may start, which is where this one ended if it found more than it claimed. */
    claim: schema.prepared(
      'outbox_claim',
      `
WITH due AS (
  SELECT id, claimed_until, created_at FROM ${schema}.outbox
  WHERE published_at IS NULL AND claimed_until >= $3::timestamptz AND claimed_until < now()
  ORDER BY claimed_until, created_at LIMIT $1 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE ${schema}.outbox o SET claimed_until = now() + $2::int * interval '1 ms'
  FROM due WHERE o.id = due.id
  RETURNING o.id, o.type, o.body, due.claimed_until > due.created_at AS again, due.claimed_until AS free_since
)
SELECT claimed.id, claimed.type, claimed.body, claimed.again,
  (least(now(), seen.newest) - $4::int * interval '1 ms')::text AS floor
FROM (SELECT CASE WHEN count(*) = $1 THEN max(free_since) END AS newest FROM claimed) seen
  LEFT JOIN claimed ON true`,
    ),

    markPublished: schema.prepared(
      'outbox_mark',
      `
WITH deleted AS (DELETE FROM ${schema}.outbox WHERE id = ANY($1::uuid[]) AND confidential)
UPDATE ${schema}.outbox SET published_at = now()
WHERE id = ANY($1::uuid[]) AND published_at IS NULL AND NOT confidential`,
    ),

    release: schema.prepared(
      'outbox_release',
      `
UPDATE ${schema}.outbox o SET claimed_until = now() + released.delay_ms * interval '1 ms'
FROM unnest($1::uuid[], $2::int[]) AS released (id, delay_ms)
WHERE o.id = released.id AND o.published_at IS NULL AND o.parked_at IS NULL`,
    ),

    park: schema.prepared(
      'outbox_park',
      `
UPDATE ${schema}.outbox o SET claimed_until = 'infinity', parked_at = now(), parked_because = refused.because
FROM unnest($1::uuid[], $2::text[]) AS refused (id, because)
WHERE o.id = refused.id AND o.published_at IS NULL`,
    ),

    count: schema.prepared(
      'outbox_count',
      `
SELECT (
  SELECT count(*)::int FROM (
    SELECT FROM ${schema}.outbox
    WHERE published_at IS NULL AND claimed_until >= $2::timestamptz AND claimed_until < 'infinity' LIMIT $1
  ) AS waiting
) AS unpublished, (
  SELECT count(*)::int FROM (
    SELECT FROM ${schema}.outbox
    WHERE published_at IS NULL AND claimed_until = 'infinity' AND parked_at IS NOT NULL LIMIT 1000
  ) AS parked
) AS parked, (
  SELECT count(*)::int FROM (SELECT FROM ${schema}.outbox WHERE ${isReturned} LIMIT 1000) AS returned
) AS returned`,
    ),
  };
}

/**
 * Milliseconds after its time-out within which a transaction commits. The time-out ends when the final statement is sent
 * with COMMIT; from then on the kit's `statement_timeout` of 15 s bounds it. Its rows are free since it began.
 */
const lateCommitMs = 20_000;

/**
 * While an old snapshot is kept anywhere, the index of unpublished rows also holds all rows that were published since
 * then, and a poll that starts at its beginning reads all of them. So a poll starts at a floor: no unpublished row is
 * free, or claimed, since before it. Each claim, release and insert sets that time to about the present one, so the floor
 * rises with each poll that claims all free rows.
 *
 * Some rows may be below the floor nevertheless: one that another relay had locked and did not claim, one of a commit
 * that took minutes, and all after the database's clock was set back. A full poll finds them every `fullLookMs`.
 */
export function createOutboxTable(
  pool: Pool,
  schema: Schema,
  { leaseMs, transactionMs, fullLookMs }: Pick<Limits, 'leaseMs' | 'transactionMs' | 'fullLookMs'>,
): OutboxTable {
  const statements = statementsOf(schema);
  const everything = '-infinity';
  let floor = everything;
  let fullLookAt = 0;

  return {
    ...createReturnedRows(pool, schema, { leaseMs }),
    async claim(limit) {
      const from = Date.now() >= fullLookAt ? everything : floor;
      const values = [limit, leaseMs, from, transactionMs + lateCommitMs];
      const { rows } = await pool.query<ClaimedRow & { floor: string }>(statements.claim(values));
      if (from === everything) fullLookAt = Date.now() + fullLookMs;
      floor = rows[0]?.floor ?? from;
      return rows.filter(({ id }) => id !== null).map(({ floor: _, ...row }) => row);
    },
    async markPublished(ids) {
      await pool.query(statements.markPublished([ids]));
    },
    async release(rows) {
      const values = [rows.map(({ id }) => id), rows.map(({ delayMs }) => delayMs)];
      await pool.query(statements.release(values));
    },
    async park(rows) {
      const values = [rows.map(({ id }) => id), rows.map(({ because }) => because)];
      await pool.query(statements.park(values));
    },
    async count(max) {
      const { rows } = await pool.query<OutboxCount>(statements.count([max, floor]));
      return rows[0] ?? { unpublished: 0, parked: 0, returned: 0 };
    },
  };
}
