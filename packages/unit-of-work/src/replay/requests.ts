import type { Pool } from 'pg';

/** What one producer is asked for. A repeated request bears the same id, and is the same replay to the producer. */
export interface ReplayRequest {
  source: string;
  types: string[];
  replayId: string;
  /** All that was published since is to be published again; without it, the state of all entities is. */
  lostSince: Date | null;
}

/** What this service lacks, until each of its producers has said that all was sent. */
export interface Requests {
  /** Producers that are still to answer. */
  open(): Promise<number>;
  /**
   * Takes those that weren't asked for `patienceMs`, and that no other instance takes meanwhile; none while the queue in
   * which the answer would come is lost.
   */
  due(patienceMs: number): Promise<ReplayRequest[]>;
  /** The request reached nobody: it is due again after `afterMs`. */
  unheard(source: string, timing: { patienceMs: number; afterMs: number }): Promise<void>;
}

/** `copy`: entities of these sources. `recovery`: events that a lost queue may have held, whoever published them. */
export function createRequests(pool: Pool, table: 'copy' | 'recovery', sources?: Iterable<string>): Requests {
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
