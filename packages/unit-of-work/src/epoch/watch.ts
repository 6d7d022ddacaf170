import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import { Stopping } from '../stopping.js';
import { commit } from '../transaction/commit.js';
import type { EntityEpoch } from './epochs.js';

export interface EpochWatchParts {
  pool: Pool;
  epoch: EntityEpoch;
  /** An epoch began: the copies that this service keeps were marked as incomplete. */
  onBegun(): void;
  limits: Pick<Limits, 'epochCheckMs'>;
  log: Logger;
}

/**
 * Where PostgreSQL is now, beside where the epoch began. A cluster made by `initdb` has an identifier of its own, and
 * each promotion of a standby and each recovery to a point in time begins a timeline.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
const whereabouts = `
SELECT m.entity_epoch AS epoch, m.system_identifier AS "notedSystem", m.timeline AS "notedTimeline",
  s.system_identifier::text AS system, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline
FROM messaging.meta m, pg_control_system() s`;

interface Whereabouts {
  epoch: number;
  notedSystem: string | null;
  notedTimeline: string | null;
  system: string;
  timeline: string;
}

/**
 * Notices that the database is not the one it was: restored from a backup, or a standby that was promoted and may
 * lack the last entries. Then a new epoch begins, once for all instances.
 *
 * What it can't see: a dump that was restored into the same cluster, and a copy of the cluster's files put back. After
 * those, `warren new-epoch` says it.
 */
export class EpochWatch {
  readonly #parts: EpochWatchParts;
  readonly #stopping = new Stopping();
  #running: Promise<void> | undefined;
  #warned = false;

  constructor(parts: EpochWatchParts) {
    this.#parts = parts;
  }

  /** Resolves once the database was compared, or it is clear that this has to wait. */
  async start(): Promise<void> {
    if (this.#running) return;
    await this.#check();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.begin();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.now) {
      await this.#stopping.sleep(jittered(this.#parts.limits.epochCheckMs));
      if (!this.#stopping.now) await this.#check();
    }
  }

  async #check(): Promise<void> {
    const { pool, epoch, log } = this.#parts;
    try {
      const found = await look(pool);
      epoch.current = isWhereNoted(found) ? found.epoch : await this.#settle();
      this.#warned = false;
    } catch (error) {
      // One line an outage; where the role may not ask, one line for good.
      if (!this.#warned)
        log.warn({ err: error }, 'the database could not be compared with what was noted of it');
      this.#warned = true;
    }
  }

  async #settle(): Promise<number> {
    const { pool, log } = this.#parts;
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM messaging.meta FOR UPDATE');
      const found = await look(client);
      let epoch = found.epoch;
      if (!isWhereNoted(found)) {
        epoch = found.notedSystem === null ? epoch : await begin(client);
        await client.query('UPDATE messaging.meta SET system_identifier = $1, timeline = $2', [
          found.system,
          found.timeline,
        ]);
      }
      await commit(client);
      client.release();
      if (epoch !== found.epoch) {
        log.warn({ ...found, epoch }, 'the database was restored: a new epoch begins');
        this.#parts.onBegun();
      }
      return epoch;
    } catch (error) {
      // A destroyed connection rolls back, whatever state it was in.
      client.release(true);
      throw error;
    }
  }
}

async function look(db: Pool | PoolClient): Promise<Whereabouts> {
  const { rows } = await db.query<Whereabouts>(whereabouts);
  const [found] = rows;
  if (!found) throw new Error('messaging.meta is empty: the messaging schema is damaged');
  return found;
}

function isWhereNoted({ system, timeline, notedSystem, notedTimeline }: Whereabouts): boolean {
  return system === notedSystem && timeline === notedTimeline;
}

async function begin(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>('SELECT messaging.begin_epoch() AS epoch');
  return rows[0]?.epoch ?? 0;
}
