import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { jittered } from '../jitter.js';
import { withLease } from '../lease.js';
import { type Limits, withDefaults } from '../limits.js';
import { Stopping } from '../stopping.js';
import { type RoundCounts, runRound } from './round.js';

export interface RetentionParts {
  pool: Pool;
  limits?: Partial<Limits>;
  log: Logger;
  /** The time by which things are old; the database's if left out, so that no instance's wrong clock drops anything. */
  clock?: () => Date;
}

/** Totals of this process; `partitionsHeld` as of its last round. */
export interface RetentionStats extends RoundCounts {
  rounds: number;
  failed: number;
}

/** The first round soon after a start, so that a service which never lives long has some too. */
const firstShare = 0.1;

/**
 * Keeps the `messaging` tables from growing for ever: makes the days' partitions ahead, drops the old ones, prunes
 * feeds and what else expires. One instance at a time; each step is short and gives way to the relay and to
 * whoever writes.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #limits: Limits;
  readonly #stopping = new Stopping();
  readonly #stats: RetentionStats = {
    rounds: 0,
    failed: 0,
    partitionsMade: 0,
    partitionsDropped: 0,
    partitionsHeld: 0,
    feedsVisited: 0,
    feedEntries: 0,
    rows: 0,
    gaveWay: 0,
  };
  #running: Promise<void> | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#limits = withDefaults(parts.limits);
  }

  get stats(): RetentionStats {
    return { ...this.#stats };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for the step in hand, 2 s at most for each of its statements. */
  async stop(): Promise<void> {
    this.#stopping.begin();
    await this.#running;
  }

  /**
   * Does all that is due. False if another instance is at it. Rejects if the database fails; what was done stays
   * done, and the next round goes on.
   */
  async round(): Promise<boolean> {
    const { pool, log } = this.#parts;
    const counts = await withLease(pool, 'retention', { log }, (lost) =>
      withClient(pool, async (client) =>
        runRound({
          client,
          now: await this.#now(client),
          limits: this.#limits,
          log,
          sleep: (ms) => this.#stopping.sleep(ms),
          stopped: () => this.#stopping.now || lost(),
        }),
      ),
    );
    if (!counts) return false;
    this.#count(counts);
    return true;
  }

  async #run(): Promise<void> {
    const { retentionMs } = this.#limits;
    await this.#stopping.sleep(jittered(retentionMs * firstShare));
    while (!this.#stopping.now) {
      try {
        await this.round();
      } catch (error) {
        this.#stats.failed += 1;
        this.#parts.log.warn({ err: error }, 'retention failed; trying again with the next round');
      }
      await this.#stopping.sleep(jittered(retentionMs));
    }
  }

  async #now(client: PoolClient): Promise<Date> {
    if (this.#parts.clock) return this.#parts.clock();
    const { rows } = await client.query<{ now: Date }>('SELECT now()');
    return rows[0]?.now ?? new Date();
  }

  #count(counts: RoundCounts): void {
    const { partitionsHeld, ...totals } = counts;
    for (const [name, count] of Object.entries(totals)) this.#stats[name as keyof typeof totals] += count;
    this.#stats.partitionsHeld = partitionsHeld;
    this.#stats.rounds += 1;
    if (Object.values(counts).some((count) => count > 0)) this.#parts.log.info(counts, 'retention');
  }
}

async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // The failed query tells; without a listener a cut connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let sound = false;
  try {
    const value = await work(client);
    sound = true;
    return value;
  } finally {
    client.off('error', ignore);
    // A destroyed connection rolls back, whatever state it was in.
    client.release(!sound);
  }
}
