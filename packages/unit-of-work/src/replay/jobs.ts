import type { Pool } from 'pg';
import type { RawClient } from '../api.js';

/** One replay that this service owes another. */
export interface ReplayJob {
  id: string;
  consumer: string;
  source: 'outbox' | 'snapshot';
  /** Missing: all. */
  types: string[] | null;
  /**
   * From the outbox: only what was written since. Where the consumer `asked`, because its queue was lost: everything
   * that may have been published since.
   */
  since: Date | null;
  /** Sent as it was published, so that `react` handlers see it too, through the inbox. */
  withEffects: boolean;
  /** After which row to go on; null at the beginning. */
  position: Position | null;
  sent: number;
  /** The consumer asked for it itself, and will take its end as a sign that nothing is missing. */
  asked: boolean;
  /** Names the lease under which it is worked on. */
  lease: string;
}

export interface Position {
  type: string;
  after: string;
}

/** The replays as their runners work on them. A job belongs to whoever leased it. */
export interface ReplayJobs {
  /** The oldest job that nobody works on. */
  lease(): Promise<ReplayJob | undefined>;
  /** Remembers how far it came and extends the lease; false if the job is another one's meanwhile. */
  advance(job: ReplayJob): Promise<boolean>;
  /** Gives it back; any runner may go on after `delayMs`. */
  release(job: ReplayJob, delayMs: number): Promise<void>;
  finish(job: ReplayJob): Promise<void>;
  fail(job: ReplayJob, error: string): Promise<void>;
}

interface JobRow extends Omit<ReplayJob, 'sent'> {
  sent: string;
}

/** Longer than a broker takes for a page. Where it isn't, two runners send the same: of no harm. */
const leaseEnd = `now() + interval '60 s'`;

const take = `
UPDATE messaging.replay SET state = 'running', lease = gen_random_uuid(), leased_until = ${leaseEnd}
WHERE id = (
  SELECT id FROM messaging.replay
  WHERE state IN ('waiting', 'running') AND leased_until < now()
  ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, consumer, source, types, since, with_effects AS "withEffects", position, sent, lease,
  requested_by = consumer AS asked`;

/** Whether it is the same replay as before, so that it can go on where it failed. */
const goesOn = `r.state = 'failed' AND r.source = excluded.source AND r.since IS NOT DISTINCT FROM excluded.since`;

/**
 * Writes a request of a consumer down. A repeated request changes nothing while the first one is at work, nor for five
 * minutes after, since the `replay-completed` of the first may still wait in the consumer's queue. After that, a replay
 * that failed goes on where it was, and any other starts anew. So does one that an older build, which doesn't know
 * `lostSince`, took for a request for copies.
 */
export async function acceptRequest(
  db: RawClient,
  {
    id,
    consumer,
    source,
    types,
    lostSince,
  }: Pick<ReplayJob, 'id' | 'consumer' | 'source' | 'types'> & {
    /** RFC 3339. Everything that was published since is sent as it was, for handlers of both kinds. */
    lostSince?: string;
  },
): Promise<void> {
  await db.$queryRawUnsafe(
    `INSERT INTO messaging.replay AS r (id, consumer, source, types, requested_by, since, with_effects)
    VALUES ($1::uuid, $2, $3, $4::text[], $2, $5::timestamptz, $5::timestamptz IS NOT NULL)
    ON CONFLICT (id) DO UPDATE SET state = 'waiting', error = NULL, finished_at = NULL, source = excluded.source,
      types = excluded.types, since = excluded.since, with_effects = excluded.with_effects,
      position = CASE WHEN ${goesOn} THEN r.position END,
      sent = CASE WHEN ${goesOn} THEN r.sent ELSE 0 END
    WHERE r.consumer = excluded.consumer AND r.finished_at < now() - interval '5 min'
    RETURNING id`,
    id,
    consumer,
    source,
    types,
    lostSince ?? null,
  );
}

export function createReplayJobs(pool: Pool): ReplayJobs {
  const end = (job: ReplayJob, state: 'done' | 'failed', error: string | null) =>
    pool.query(
      `UPDATE messaging.replay SET state = $2, error = $3, sent = $4, finished_at = now(), lease = NULL
      WHERE lease = $1`,
      [job.lease, state, error, job.sent],
    );

  return {
    async lease() {
      const { rows } = await pool.query<JobRow>(take);
      const [row] = rows;
      return row && { ...row, sent: Number(row.sent) };
    },
    async advance(job) {
      const { rowCount } = await pool.query(
        `UPDATE messaging.replay SET position = $2, sent = $3, leased_until = ${leaseEnd} WHERE lease = $1`,
        [job.lease, JSON.stringify(job.position), job.sent],
      );
      return rowCount === 1;
    },
    async release(job, delayMs) {
      await pool.query(
        `UPDATE messaging.replay SET lease = NULL, leased_until = now() + $2::int * interval '1 ms'
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
