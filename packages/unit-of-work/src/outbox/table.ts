import type { Pool } from 'pg';
import type { Limits } from '../limits.js';
import { prepared } from '../prepared.js';
import type { OutboxRow } from '../transaction/effects.js';
import { createReturnedRows, isReturned, type ReturnedRows } from './returned-rows.js';

/** A claim given back: any relay may take the row after `delayMs`. */
export interface FreedRow {
  id: string;
  delayMs: number;
}

/** `again`: some relay had claimed it before, and nobody knows what became of that. */
export interface ClaimedRow extends OutboxRow {
  again: boolean;
}

export interface ParkedRow {
  id: string;
  /** For operators. */
  because: string;
}

export interface OutboxCount {
  /** Neither published, parked nor returned. */
  unpublished: number;
  /** The broker refused them; they wait for a person. */
  parked: number;
  /** No queue took them. */
  returned: number;
}

/** The outbox as the relay works on it: short statements of their own, never a lock held while publishing. */
export interface OutboxTable extends ReturnedRows {
  /** Takes at most `limit` unpublished rows that nobody owns, those first that are free for longest, for the lease. */
  claim(limit: number): Promise<ClaimedRow[]>;
  /** Confidential ones are deleted instead. */
  markPublished(ids: readonly string[]): Promise<void>;
  /** Gives claims back. */
  release(rows: readonly FreedRow[]): Promise<void>;
  /** Puts rows aside that no bus will take, until a person decides. */
  park(rows: readonly ParkedRow[]): Promise<void>;
  /** Unpublished rows, counted up to `atMost`, and parked and returned ones, each counted up to 1,000. */
  count(atMost: number): Promise<OutboxCount>;
}

/** `floor`: from where the next look may begin, if this one took all that was free; else where it ended. */
const claim = prepared(
  'outbox_claim',
  `
WITH due AS (
  SELECT id, claimed_until, created_at FROM messaging.outbox
  WHERE published_at IS NULL AND claimed_until >= $3::timestamptz AND claimed_until < now()
  ORDER BY claimed_until, created_at LIMIT $1 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE messaging.outbox o SET claimed_until = now() + $2::int * interval '1 ms'
  FROM due WHERE o.id = due.id
  RETURNING o.id, o.type, o.body, due.claimed_until > due.created_at AS again, due.claimed_until AS free_since
)
SELECT claimed.id, claimed.type, claimed.body, claimed.again,
  (least(now(), seen.newest) - $4::int * interval '1 ms')::text AS floor
FROM (SELECT CASE WHEN count(*) = $1 THEN max(free_since) END AS newest FROM claimed) seen
  LEFT JOIN claimed ON true`,
);

const markPublished = prepared(
  'outbox_mark',
  `
WITH told AS (DELETE FROM messaging.outbox WHERE id = ANY($1::uuid[]) AND confidential)
UPDATE messaging.outbox SET published_at = now()
WHERE id = ANY($1::uuid[]) AND published_at IS NULL AND NOT confidential`,
);

const release = prepared(
  'outbox_release',
  `
UPDATE messaging.outbox o SET claimed_until = now() + freed.delay_ms * interval '1 ms'
FROM unnest($1::uuid[], $2::int[]) AS freed (id, delay_ms)
WHERE o.id = freed.id AND o.published_at IS NULL AND o.parked_at IS NULL`,
);

const park = prepared(
  'outbox_park',
  `
UPDATE messaging.outbox o SET claimed_until = 'infinity', parked_at = now(), parked_because = refused.because
FROM unnest($1::uuid[], $2::text[]) AS refused (id, because)
WHERE o.id = refused.id AND o.published_at IS NULL`,
);

const count = prepared(
  'outbox_count',
  `
SELECT (
  SELECT count(*)::int FROM (
    SELECT FROM messaging.outbox
    WHERE published_at IS NULL AND claimed_until >= $2::timestamptz AND claimed_until < 'infinity' LIMIT $1
  ) AS waiting
) AS unpublished, (
  SELECT count(*)::int FROM (
    SELECT FROM messaging.outbox
    WHERE published_at IS NULL AND claimed_until = 'infinity' AND parked_at IS NOT NULL LIMIT 1000
  ) AS parked
) AS parked, (
  SELECT count(*)::int FROM (SELECT FROM messaging.outbox WHERE ${isReturned} LIMIT 1000) AS returned
) AS returned`,
);

/** Beyond the longest transaction: it may commit a row that is free since it began. */
const lateCommitMs = 5_000;

/**
 * While anything keeps an old snapshot, the index of unpublished rows also holds every row that was published since:
 * whoever reads it from its beginning reads all of those. So a look begins at a _floor_, the time since which a row can
 * at least be free, or owned, if it isn't published. Each claim, release and new row sets that time to about the
 * present one, so the floor rises with each look that takes what is free. What might be below it all the same, a row
 * that another relay had locked and then didn't take, a commit that took minutes or a clock that was set back, is found
 * by a look at everything, every `fullLookMs`.
 */
export function createOutboxTable(
  pool: Pool,
  { leaseMs, transactionMs, fullLookMs }: Pick<Limits, 'leaseMs' | 'transactionMs' | 'fullLookMs'>,
): OutboxTable {
  const everything = '-infinity';
  let floor = everything;
  let fullLookAt = 0;

  return {
    ...createReturnedRows(pool, { leaseMs }),
    async claim(limit) {
      const from = Date.now() >= fullLookAt ? everything : floor;
      const values = [limit, leaseMs, from, transactionMs + lateCommitMs];
      const { rows } = await pool.query<ClaimedRow & { floor: string }>(claim(values));
      if (from === everything) fullLookAt = Date.now() + fullLookMs;
      floor = rows[0]?.floor ?? from;
      return rows.filter(({ id }) => id !== null).map(({ floor: _, ...row }) => row);
    },
    async markPublished(ids) {
      await pool.query(markPublished([ids]));
    },
    async release(rows) {
      await pool.query(release([rows.map((row) => row.id), rows.map((row) => row.delayMs)]));
    },
    async park(rows) {
      await pool.query(park([rows.map((row) => row.id), rows.map((row) => row.because)]));
    },
    async count(atMost) {
      const { rows } = await pool.query<OutboxCount>(count([atMost, floor]));
      return rows[0] ?? { unpublished: 0, parked: 0, returned: 0 };
    },
  };
}
