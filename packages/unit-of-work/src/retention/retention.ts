import { jittered } from '@warren/timing';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { withLease } from '../lease.js';
import { type Limits, withDefaults } from '../limits.js';
import { Schema } from '../schema/schema.js';
import { Stopping } from '../stopping.js';
import { deleteExpiredRows } from './expired-rows.js';
import { createFeedTable } from './feed-table.js';
import { type FeedCounts, pruneFeeds } from './feeds.js';
import { maintainPartitions, type PartitionCounts } from './partitions.js';
import { createStepRunner } from './steps.js';

export interface RetentionParts {
  pool: Pool;
  /** The schema of the unit of work. Default `messaging`. */
  schema?: string;
  limits?: Partial<Limits>;
  log: Logger;
  /** Decides what is old. Default: the database's clock, so that an instance with a wrong clock deletes nothing early. */
  clock?: () => Date;
}

/** What one round of retention did. */
export interface RoundCounts extends PartitionCounts, FeedCounts {
  /** Rows of inbox, outbox, idempotency, suspects and replays that were deleted one by one. */
  rows: number;
  /** How often a step gave way to other transactions. */
  gaveWay: number;
}

/** Totals of this process. `partitionsHeld` is that of the last round. */
export interface RetentionStats extends RoundCounts {
  rounds: number;
  failed: number;
}

/** The first round comes after this share of the usual interval, for processes that don't live long. */
const firstRoundShare = 0.1;

/**
 * Deletes old rows of the kit's tables, so that they don't grow for ever. Creates the partitions of the next days, drops
 * those of old days, prunes feeds and deletes other expired rows. One instance at a time works, in short steps that give
 * way to other transactions.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #schema: Schema;
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
    this.#schema = new Schema(parts.schema);
    this.#limits = withDefaults(parts.limits);
  }

  get stats(): RetentionStats {
    return { ...this.#stats };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for the present step, at most 2 s for each of its statements. */
  async stop(): Promise<void> {
    this.#stopping.begin();
    await this.#running;
  }

  /**
   * Runs one round. Resolves to false if another instance is running one. Rejects if the database fails; what was deleted
   * stays deleted, and the next round continues.
   */
  async round(): Promise<boolean> {
    const { pool, log } = this.#parts;
    const counts = await withLease(pool, 'retention', { schema: this.#schema.name, log }, (isLost) =>
      withClient(pool, (client) => this.#runRound(client, () => this.#stopping.now || isLost())),
    );
    if (!counts) return false;
    this.#count(counts);
    return true;
  }

  async #run(): Promise<void> {
    const { retentionMs } = this.#limits;
    await this.#stopping.sleep(jittered(retentionMs * firstRoundShare));
    while (!this.#stopping.now) {
      try {
        await this.round();
      } catch (error) {
        this.#stats.failed += 1;
        this.#parts.log.warn({ err: error }, 'a round of retention failed; the next one continues');
      }
      await this.#stopping.sleep(jittered(retentionMs));
    }
  }

  async #runRound(client: PoolClient, stopped: () => boolean): Promise<RoundCounts> {
    const limits = this.#limits;
    const schema = this.#schema;
    let gaveWay = 0;
    const runStep = createStepRunner({
      client,
      log: this.#parts.log,
      pauseFactor: limits.retentionPauseFactor,
      sleep: (ms) => this.#stopping.sleep(ms),
      stopped,
      onGaveWay: () => {
        gaveWay += 1;
      },
    });
    const now = await this.#now(client);
    const round = { client, schema, runStep, now, stopped };
    const daysAhead = limits.partitionsAhead;
    const outbox = await maintainPartitions({
      ...round,
      table: 'outbox',
      keepDays: limits.outboxDays,
      daysAhead,
    });
    const inbox = await maintainPartitions({
      ...round,
      table: 'inbox',
      keepDays: limits.inboxDays,
      daysAhead,
    });
    const rows = await deleteExpiredRows({ ...round, limits });
    const table = createFeedTable(client, schema, {
      now,
      recent: { entries: limits.feedRecentEntries, hours: limits.feedRecentHours },
      lasting: { entries: limits.feedEntries, days: limits.feedDays },
    });
    const feeds = await pruneFeeds({ table, runStep, stopped });
    return {
      partitionsMade: outbox.partitionsMade + inbox.partitionsMade,
      partitionsDropped: outbox.partitionsDropped + inbox.partitionsDropped,
      partitionsHeld: outbox.partitionsHeld + inbox.partitionsHeld,
      ...feeds,
      rows,
      gaveWay,
    };
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
  // The failed query rejects. Without a listener, a lost connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let succeeded = false;
  try {
    const value = await work(client);
    succeeded = true;
    return value;
  } finally {
    client.off('error', ignore);
    // Closing the connection rolls back whatever is open on it.
    client.release(!succeeded);
  }
}
