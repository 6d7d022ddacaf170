import type { Pool } from 'pg';
import type { Schema } from '../schema/schema.js';

/** What this service requests from one producer. A repeated request has the same `replayId`, and is the same replay. */
export interface ReplayRequest {
  source: string;
  types: string[];
  replayId: string;
  /** The producer sends again what it published since then. Null: it sends the present state of all entities. */
  lostSince: Date | null;
}

/** Requests to producers. One is open until its producer has said that it sent everything. */
export interface ReplayRequests {
  /** How many requests are open. */
  open(): Promise<number>;
  /**
   * Takes the requests that no instance has sent within the last `patienceMs` milliseconds. No other instance sends them
   * then. Takes none while this service's own queue is lost, since the answers would be lost too.
   */
  due(patienceMs: number): Promise<ReplayRequest[]>;
  /** The request reached no producer. It is due again after `afterMs` milliseconds, at most `patienceMs`. */
  retry(source: string, delays: { patienceMs: number; afterMs: number }): Promise<void>;
}

/**
 * `copy`: requests for the entities of `sources`, of which this service keeps copies. `recovery`: requests to all producers
 * for the events that a lost queue may have held.
 */
export function createReplayRequests(
  pool: Pool,
  schema: Schema,
  table: 'copy' | 'recovery',
  sources?: Iterable<string>,
): ReplayRequests {
  const isOpen = '($1::text[] IS NULL OR source = ANY($1)) AND completed_at IS NULL';
  const among = sources ? [...sources] : null;
  const lostSince = table === 'recovery' ? 'lost_since' : 'NULL::timestamptz';

  return {
    async open() {
      const { rows } = await pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${schema}.${table} WHERE ${isOpen}`,
        [among],
      );
      return rows[0]?.count ?? 0;
    },
    async due(patienceMs) {
      const { rows } = await pool.query<ReplayRequest>(
        `UPDATE ${schema}.${table} SET asked_at = now()
        WHERE ${isOpen} AND (asked_at IS NULL OR asked_at < now() - $2::int * interval '1 ms')
        RETURNING source, types, replay_id AS "replayId", ${lostSince} AS "lostSince"`,
        [among, patienceMs],
      );
      return rows;
    },
    async retry(source, { patienceMs, afterMs }) {
      await pool.query(
        `UPDATE ${schema}.${table} SET asked_at = now() - ($2::int - $3::int) * interval '1 ms'
        WHERE source = $1 AND completed_at IS NULL AND asked_at <= now()`,
        [source, patienceMs, Math.min(patienceMs, afterMs)],
      );
    },
  };
}
