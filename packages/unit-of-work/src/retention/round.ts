import type { Limits } from '../limits.js';
import { freshHours } from '../once/record.js';
import { dayMs, dayOf, hourMs, type Partitioned } from './days.js';
import { deleteAboutErased } from './erased.js';
import { deleteExpired, type Expiring } from './expired.js';
import { createGently, type GentlyParts } from './gently.js';
import { daysOf, detachPartition, dropDetached, makePartition } from './partitions.js';
import { visitFeeds } from './visits.js';

export interface RoundCounts {
  partitionsMade: number;
  partitionsDropped: number;
  /** Old enough to be dropped, but still needed, or never free long enough. */
  partitionsHeld: number;
  /** Feeds that were looked at, since they may have had entries to delete. */
  feedsVisited: number;
  feedEntries: number;
  /** Rows of inbox, outbox, idempotency, suspects and replays that went one by one. */
  rows: number;
  /** Times that a step gave way to others. */
  gaveWay: number;
}

export interface RoundParts extends Omit<GentlyParts, 'onGaveWay'> {
  now: Date;
  limits: RetentionLimits;
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
  | 'replayDays'
>;

/** Everything that is due at `now`, in short steps. Rejects if the database fails. */
export async function runRound(parts: RoundParts): Promise<RoundCounts> {
  const { client, now, limits, stopped } = parts;
  const counts: RoundCounts = {
    partitionsMade: 0,
    partitionsDropped: 0,
    partitionsHeld: 0,
    feedsVisited: 0,
    feedEntries: 0,
    rows: 0,
    gaveWay: 0,
  };
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const gently = createGently({
    ...parts,
    onGaveWay: () => {
      counts.gaveWay += 1;
    },
  });

  async function partitions(table: Partitioned, keepDays: number): Promise<void> {
    while (await gently(`drop ${table}`, () => dropDetached(client, table)));
    const days = await daysOf(client, table);
    const today = dayOf(now);
    let ahead = limits.partitionsAhead;
    for (let day = today; day <= today + ahead; day++) {
      if (days.has(day)) continue;
      const made = await gently(`make ${table}`, () => makePartition(client, table, day));
      if (made === undefined) break;
      if (made) counts.partitionsMade += 1;
      // Each attachment reads the whole rest: enough of them now, while that is small, for as long as it will be big.
      else ahead = keepDays + limits.partitionsAhead + 1;
    }
    const over = [...days].filter((day) => day < today - keepDays).sort((a, b) => a - b);
    for (const [index, day] of over.entries()) {
      const detach = () => detachPartition(client, table, day, ago(keepDays * dayMs));
      const outcome = await gently(`detach ${table}`, detach);
      if (outcome === undefined) {
        // Whoever keeps one in use keeps the others too.
        counts.partitionsHeld += over.length - index;
        break;
      }
      if (outcome === 'held') counts.partitionsHeld += 1;
      else if (await gently(`drop ${table}`, () => dropDetached(client, table)))
        counts.partitionsDropped += 1;
    }
  }

  async function expired(expiring: Expiring): Promise<void> {
    for (let more = true; more && !stopped(); ) {
      const deleted = await gently(expiring.table, () => deleteExpired(client, expiring));
      counts.rows += deleted?.gone ?? 0;
      more = deleted?.more ?? false;
    }
  }

  async function aboutErased(): Promise<void> {
    for (let after: string | null = ''; after !== null && !stopped(); ) {
      const from: string = after;
      const deleted = await gently('events about erased users', () => deleteAboutErased(client, from));
      counts.rows += deleted?.gone ?? 0;
      after = deleted?.last ?? null;
    }
  }

  await partitions('outbox', limits.outboxDays);
  await partitions('inbox', limits.inboxDays);
  await expired({
    table: 'outbox_rest',
    condition: 'created_at <= $1 AND published_at IS NOT NULL',
    order: 'created_at',
    before: ago(limits.outboxDays * dayMs),
  });
  await aboutErased();
  await expired({
    table: 'erased',
    // Looked up one by one: an anti-join would read the whole outbox.
    condition: `erased_at <= $1 AND (
      SELECT about FROM messaging.outbox WHERE outbox.about = erased.user_id LIMIT 1
    ) IS NULL`,
    before: ago((limits.outboxDays + 1) * dayMs),
  });
  await expired({
    table: 'inbox_rest',
    condition: 'handled_at <= $1',
    before: ago(limits.inboxDays * dayMs),
  });
  await expired({
    table: 'idempotency',
    condition: 'created_at <= $1',
    order: 'created_at',
    before: ago(freshHours * hourMs),
  });
  await expired({ table: 'suspect', condition: 'named_at <= $1', before: ago(limits.suspectDays * dayMs) });
  await expired({ table: 'replay', condition: 'finished_at <= $1', before: ago(limits.replayDays * dayMs) });
  const { feeds, entries } = await visitFeeds({
    db: client,
    gently,
    stopped,
    keep: {
      now,
      recent: { entries: limits.feedRecentEntries, hours: limits.feedRecentHours },
      lasting: { entries: limits.feedEntries, days: limits.feedDays },
    },
  });
  counts.feedsVisited = feeds;
  counts.feedEntries = entries;
  return counts;
}
