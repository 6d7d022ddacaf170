import { jittered } from '@warren/timing';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import { damaged, type Schema } from '../schema/schema.js';
import { Stopping } from '../stopping.js';
import { commit } from '../transaction/commit.js';
import type { EntityEpoch } from './epochs.js';

export interface EpochWatchParts {
  pool: Pool;
  schema: Schema;
  epoch: EntityEpoch;
  /** Called when an epoch began: the copies that this service keeps were marked as incomplete. */
  onBegun(): void;
  limits: Pick<Limits, 'epochCheckMs'>;
  log: Logger;
}

/**
 * Identifies the PostgreSQL cluster, now and when the epoch began. Each cluster that `initdb` creates has a system
 * identifier of its own. Each promotion of a standby and each point-in-time recovery begins a timeline.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
const identity = (schema: Schema) => `
SELECT m.entity_epoch AS epoch, m.system_identifier AS "recordedSystem", m.timeline AS "recordedTimeline",
  s.system_identifier::text AS system, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline
FROM ${schema}.meta m, pg_control_system() s`;

interface ClusterIdentity {
  epoch: number;
  recordedSystem: string | null;
  recordedTimeline: string | null;
  system: string;
  timeline: string;
}

/**
 * Detects that the database was restored from a backup, or is a promoted standby that may lack the last transactions. Then
 * it begins a new epoch, once for all instances.
 *
 * It can't detect a dump that was restored into the same cluster, or a copy of the cluster's files that was put back. After
 * those, an operator runs `warren new-epoch`.
 */
export class EpochWatch {
  readonly #parts: EpochWatchParts;
  readonly #stopping = new Stopping();
  #running: Promise<void> | undefined;
  #hasWarned = false;

  constructor(parts: EpochWatchParts) {
    this.#parts = parts;
  }

  /** Resolves after the first check, whether or not the database could be reached. */
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
    const { pool, schema, epoch, log } = this.#parts;
    try {
      const found = await readIdentity(pool, schema);
      epoch.current = isAsRecorded(found) ? found.epoch : await this.#recordIdentity();
      this.#hasWarned = false;
    } catch (error) {
      // One line for each outage, and one in total if the role lacks the right.
      if (!this.#hasWarned) log.warn({ err: error }, 'could not check whether the database was restored');
      this.#hasWarned = true;
    }
  }

  /** Records the identity of this cluster; begins an epoch if another one was recorded. Resolves to the present epoch. */
  async #recordIdentity(): Promise<number> {
    const { pool, schema, log } = this.#parts;
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SELECT FROM ${schema}.meta FOR UPDATE`);
      const found = await readIdentity(client, schema);
      let epoch = found.epoch;
      if (!isAsRecorded(found)) {
        epoch = found.recordedSystem === null ? epoch : await beginEpoch(client, schema);
        await client.query(`UPDATE ${schema}.meta SET system_identifier = $1, timeline = $2`, [
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
      // Closing the connection rolls back whatever is open on it.
      client.release(true);
      throw error;
    }
  }
}

async function readIdentity(db: Pool | PoolClient, schema: Schema): Promise<ClusterIdentity> {
  const { rows } = await db.query<ClusterIdentity>(identity(schema));
  const [found] = rows;
  if (!found) throw damaged();
  return found;
}

function isAsRecorded({ system, timeline, recordedSystem, recordedTimeline }: ClusterIdentity): boolean {
  return system === recordedSystem && timeline === recordedTimeline;
}

async function beginEpoch(client: PoolClient, schema: Schema): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>(`SELECT ${schema}.begin_epoch() AS epoch`);
  return rows[0]?.epoch ?? 0;
}
