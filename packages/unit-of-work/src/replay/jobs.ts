import type { Pool } from 'pg';
import type { RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';

/** A replay that this service has to send to another one. */
export interface ReplayJob {
  id: string;
  consumer: string;
  source: 'outbox' | 'snapshot';
  /** Null: all types. */
  types: string[] | null;
  /**
   * For the outbox: only events that were written since. If the consumer `asked` because its queue was lost: all events
   * that may have been published since.
   */
  since: Date | null;
  /** Events are sent as they were published, so that `react` handlers handle them too, unless the inbox has them. */
  withEffects: boolean;
  /** The last row that was sent; null at the beginning. */
  position: Position | null;
  sent: number;
  /** The consumer itself requested the replay, and treats its completion as a sign that nothing is missing. */
  asked: boolean;
  /** The id of the runner's lease. */
  lease: string;
}

export interface Position {
  type: string;
  after: string;
}

/** Replays as runners work on them. A job belongs to the runner that leased it. */
export interface ReplayJobs {
  /** Leases the oldest job that no runner works on. */
  lease(): Promise<ReplayJob | undefined>;
  /** Saves the progress and extends the lease. Resolves to false if another runner has the job now. */
  advance(job: ReplayJob): Promise<boolean>;
  /** Ends the lease. Any runner may continue after `delayMs`. */
  release(job: ReplayJob, delayMs: number): Promise<void>;
  finish(job: ReplayJob): Promise<void>;
  fail(job: ReplayJob, error: string): Promise<void>;
}

interface JobRow extends Omit<ReplayJob, 'sent'> {
  sent: string;
}

/** Longer than sending a page takes. If it isn't, two runners send the same page, which does no harm. */
const leaseEnd = `now() + interval '60 s'`;

const take = (schema: Schema) => `
UPDATE ${schema}.replay SET state = 'running', lease = gen_random_uuid(), leased_until = ${leaseEnd}
WHERE id = (
  SELECT id FROM ${schema}.replay
  WHERE state IN ('waiting', 'running') AND leased_until < now()
  ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, consumer, source, types, since, with_effects AS "withEffects", position, sent, lease,
  requested_by = consumer AS asked`;

/** Whether the request is for the same replay as before, which can continue where it failed. */
const continues = `r.state = 'failed' AND r.source = excluded.source AND r.since IS NOT DISTINCT FROM excluded.since`;

/**
 * Records the request of a consumer. A repeated request changes nothing while the replay runs and for five minutes after
 * it, since its `replay-completed` may still wait in the consumer's queue. After that, a failed replay continues where it
 * stopped, and any other starts again. So does a replay that an older build, which doesn't know `lostSince`, treated as a
 * request for copies.
 */
export async function acceptRequest(
  db: RawClient,
  schema: Schema,
  {
    id,
    consumer,
    source,
    types,
    lostSince,
  }: Pick<ReplayJob, 'id' | 'consumer' | 'source' | 'types'> & {
    /** RFC 3339. All events that were published since are sent as they were, for handlers of both kinds. */
    lostSince?: string;
  },
): Promise<void> {
  await db.$queryRawUnsafe(
    `INSERT INTO ${schema}.replay AS r (id, consumer, source, types, requested_by, since, with_effects)
    VALUES ($1::uuid, $2, $3, $4::text[], $2, $5::timestamptz, $5::timestamptz IS NOT NULL)
    ON CONFLICT (id) DO UPDATE SET state = 'waiting', error = NULL, finished_at = NULL, source = excluded.source,
      types = excluded.types, since = excluded.since, with_effects = excluded.with_effects,
      position = CASE WHEN ${continues} THEN r.position END,
      sent = CASE WHEN ${continues} THEN r.sent ELSE 0 END
    WHERE r.consumer = excluded.consumer AND r.finished_at < now() - interval '5 min'
    RETURNING id`,
    id,
    consumer,
    source,
    types,
    lostSince ?? null,
  );
}

export function createReplayJobs(pool: Pool, schema: Schema): ReplayJobs {
  const end = (job: ReplayJob, state: 'done' | 'failed', error: string | null) =>
    pool.query(
      `UPDATE ${schema}.replay SET state = $2, error = $3, sent = $4, finished_at = now(), lease = NULL
      WHERE lease = $1`,
      [job.lease, state, error, job.sent],
    );

  return {
    async lease() {
      const { rows } = await pool.query<JobRow>(take(schema));
      const [row] = rows;
      return row && { ...row, sent: Number(row.sent) };
    },
    async advance(job) {
      const { rowCount } = await pool.query(
        `UPDATE ${schema}.replay SET position = $2, sent = $3, leased_until = ${leaseEnd} WHERE lease = $1`,
        [job.lease, JSON.stringify(job.position), job.sent],
      );
      return rowCount === 1;
    },
    async release(job, delayMs) {
      await pool.query(
        `UPDATE ${schema}.replay SET lease = NULL, leased_until = now() + $2::int * interval '1 ms'
        WHERE lease = $1`,
        [job.lease, delayMs],
      );
    },
    async finish(job) {
      await end(job, 'done', null);
    },
    async fail(job, error) {
      await end(job, 'failed', error);
    },
  };
}
