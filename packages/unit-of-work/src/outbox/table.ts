import type { Pool } from 'pg';
import { prepared } from '../prepared.js';
import type { OutboxRow } from '../transaction/effects.js';

/** A claim given back: any relay may take the row after `delayMs`. */
export interface FreedRow {
  id: string;
  delayMs: number;
}

/** `again`: some relay had claimed it before, and nobody knows what became of that. */
export interface ClaimedRow extends OutboxRow {
  again: boolean;
}

/** The outbox as the relay works on it: short statements of their own, never a lock held while publishing. */
export interface OutboxTable {
  /** Takes at most `limit` unpublished rows that nobody owns, longest free first, for the lease. */
  claim(limit: number): Promise<ClaimedRow[]>;
  /** Confidential ones are deleted instead. */
  markPublished(ids: readonly string[]): Promise<void>;
  /** Gives claims back. */
  release(rows: readonly FreedRow[]): Promise<void>;
  /** Unpublished rows, counted up to `atMost`. */
  countUnpublished(atMost: number): Promise<number>;
}

const claim = prepared(
  'outbox_claim',
  `
UPDATE messaging.outbox o SET claimed_until = now() + $2::int * interval '1 ms'
FROM (
  SELECT id, claimed_until FROM messaging.outbox
  WHERE published_at IS NULL AND claimed_until < now()
  ORDER BY claimed_until, created_at LIMIT $1 FOR UPDATE SKIP LOCKED
) due
WHERE o.id = due.id
RETURNING o.id, o.type, o.body, due.claimed_until > '-infinity' AS again`,
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
WHERE o.id = freed.id AND o.published_at IS NULL`,
);

const count = prepared(
  'outbox_count',
  `
SELECT count(*)::int AS count
FROM (SELECT FROM messaging.outbox WHERE published_at IS NULL LIMIT $1) AS unpublished`,
);

export function createOutboxTable(pool: Pool, leaseMs: number): OutboxTable {
  return {
    async claim(limit) {
      return (await pool.query<ClaimedRow>(claim([limit, leaseMs]))).rows;
    },
    async markPublished(ids) {
      await pool.query(markPublished([ids]));
    },
    async release(rows) {
      await pool.query(release([rows.map((row) => row.id), rows.map((row) => row.delayMs)]));
    },
    async countUnpublished(atMost) {
      return (await pool.query<{ count: number }>(count([atMost]))).rows[0]?.count ?? 0;
    },
  };
}
