import type { Pool } from 'pg';

/** What this service asks one producer for. A repeated request has the same `replayId`: to the producer it is the same replay. */
export interface ReplayRequest {
  source: string;
  types: string[];
  replayId: string;
  /** The producer sends everything that it published since then once more. Null: it sends the state of all entities. */
  lostSince: Date | null;
}

/** The requests to producers that are open: each, until its producer has said that it sent everything. */
export interface ReplayRequests {
  /** How many are open. */
  open(): Promise<number>;
  /**
   * Takes the requests that nobody has sent within the last `patienceMs` milliseconds, so that no other instance sends
   * them too. None while this service's own queue, which the answers come to, is lost.
   */
  due(patienceMs: number): Promise<ReplayRequest[]>;
  /** The request reached no producer: it is due again after `afterMs` milliseconds, `patienceMs` at most. */
  unheard(source: string, timing: { patienceMs: number; afterMs: number }): Promise<void>;
}

/**
 * `copy`: for the entities of `sources`, which this service keeps copies of. `recovery`: for the events that a lost queue
 * may have held, of all producers.
 */
export function createReplayRequests(
  pool: Pool,
  table: 'copy' | 'recovery',
  sources?: Iterable<string>,
): ReplayRequests {
  const isOpen = '($1::text[] IS NULL OR source = ANY($1)) AND completed_at IS NULL';
  const among = sources ? [...sources] : null;
  const lostSince = table === 'recovery' ? 'lost_since' : 'NULL::timestamptz';

  return {
    async open() {
      const { rows } = await pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM messaging.${table} WHERE ${isOpen}`,
        [among],
      );
      return rows[0]?.count ?? 0;
    },
    async due(patienceMs) {
      const { rows } = await pool.query<ReplayRequest>(
        `UPDATE messaging.${table} SET asked_at = now()
        WHERE ${isOpen} AND (asked_at IS NULL OR asked_at < now() - $2::int * interval '1 ms')
        RETURNING source, types, replay_id AS "replayId", ${lostSince} AS "lostSince"`,
        [among, patienceMs],
      );
      return rows;
    },
    async unheard(source, { patienceMs, afterMs }) {
      await pool.query(
        `UPDATE messaging.${table} SET asked_at = now() - ($2::int - $3::int) * interval '1 ms'
        WHERE source = $1 AND completed_at IS NULL AND asked_at <= now()`,
        [source, patienceMs, Math.min(patienceMs, afterMs)],
      );
    },
  };
}
