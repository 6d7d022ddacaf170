import type { PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import { freshHours } from '../once/record.js';
import { dayMs, dayOf, hourMs, type Partitioned } from './days.js';
import { deleteExpired, type Expiring } from './expired.js';
import { type FeedKeep, feedsDue, pruneFeeds } from './feeds.js';
import { daysOf, dropPartition, makePartition } from './partitions.js';
import { gaveWay, step } from './step.js';

export interface RoundCounts {
  partitionsMade: number;
  partitionsDropped: number;
  /** Old enough to be dropped, but still needed, or never free long enough. */
  partitionsHeld: number;
  feedEntries: number;
  /** Rows of inbox, outbox, idempotency and suspects that went one by one. */
  rows: number;
  /** Times that a step gave way to others. */
  gaveWay: number;
}

export interface RoundParts {
  client: PoolClient;
  now: Date;
  limits: RetentionLimits;
  log: Logger;
  /** Waits; cut short when the work shall end. */
  sleep(ms: number): Promise<void>;
  /** True once the work shall end: the round then ends with the step in hand. */
  stopped(): boolean;
}

export type RetentionLimits = Pick<
  Limits,
  | 'outboxDays'
  | 'inboxDays'
  | 'partitionsAhead'
  | 'feedRecentEntries'
  | 'feedRecentHours'
  | 'feedEntries'
  | 'feedDays'
  | 'suspectDays'
>;

/** Between two steps, so that a long round takes but a share of the database. */
const pauseMs = 20;
/** A step that gave way is tried again so often, after so long. */
const attempts = 5;
const retryMs = 1_000;

/** Everything that is due at `now`, in short steps. Rejects if the database fails. */
export async function runRound(parts: RoundParts): Promise<RoundCounts> {
  const { client, now, limits, log, sleep, stopped } = parts;
  const counts: RoundCounts = {
    partitionsMade: 0,
    partitionsDropped: 0,
    partitionsHeld: 0,
    feedEntries: 0,
    rows: 0,
    gaveWay: 0,
  };
  const ago = (ms: number) => new Date(now.getTime() - ms);

  /** `undefined` if it gave way each time, or shall not run any more. */
  async function gently<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; attempt <= attempts && !stopped(); attempt++) {
      try {
        return await step(client, work);
      } catch (error) {
        if (!gaveWay(error)) throw error;
        counts.gaveWay += 1;
        log.debug({ err: error, what, attempt }, 'retention gave way');
        if (attempt < attempts) await sleep(retryMs);
      }
    }
    if (!stopped()) log.info({ what }, 'retention left for the next round what others keep in use');
    return undefined;
  }

  async function partitions(table: Partitioned, keepDays: number): Promise<void> {
    const days = await daysOf(client, table);
    const today = dayOf(now);
    for (let day = today; day <= today + limits.partitionsAhead; day++) {
      if (days.has(day)) continue;
      if (await gently(`make ${table}`, () => makePartition(client, table, day))) counts.partitionsMade += 1;
    }
    // A day is over when its last moment is so long ago.
    for (const day of [...days].filter((each) => each < today - keepDays).sort((a, b) => a - b)) {
      const outcome = await gently(`drop ${table}`, () =>
        dropPartition(client, table, day, ago(keepDays * dayMs)),
      );
      counts[outcome === 'dropped' ? 'partitionsDropped' : 'partitionsHeld'] += 1;
    }
  }

  async function expired(expiring: Expiring): Promise<void> {
    for (let more = true; more && !stopped(); ) {
      const deleted = await gently(expiring.table, () => deleteExpired(client, expiring));
      counts.rows += deleted?.gone ?? 0;
      more = deleted?.more ?? false;
      if (more) await sleep(pauseMs);
    }
  }

  async function feeds(keep: FeedKeep): Promise<void> {
    for (let after: string | null = ''; after !== null && !stopped(); await sleep(pauseMs)) {
      const look = await gently('look at feeds', () => feedsDue(client, after ?? '', keep));
      if (!look) return;
      after = look.last;
      for (let left = look.due; left.length > 0 && !stopped(); await sleep(pauseMs)) {
        const pruned = await gently('prune feeds', () => pruneFeeds(client, left, keep));
        if (!pruned) return;
        counts.feedEntries += pruned.gone;
        left = pruned.left;
      }
    }
  }

  await partitions('outbox', limits.outboxDays);
  await partitions('inbox', limits.inboxDays);
  await expired({
    table: 'outbox_rest',
    condition: 'created_at <= $1 AND published_at IS NOT NULL',
    before: ago(limits.outboxDays * dayMs),
  });
  await expired({
    table: 'inbox_rest',
    condition: 'handled_at <= $1',
    before: ago(limits.inboxDays * dayMs),
  });
  await expired({ table: 'idempotency', condition: 'created_at <= $1', before: ago(freshHours * hourMs) });
  await expired({ table: 'suspect', condition: 'named_at <= $1', before: ago(limits.suspectDays * dayMs) });
  await feeds({
    recent: { entries: limits.feedRecentEntries, since: ago(limits.feedRecentHours * hourMs) },
    lasting: { entries: limits.feedEntries, since: ago(limits.feedDays * dayMs) },
  });
  return counts;
}
