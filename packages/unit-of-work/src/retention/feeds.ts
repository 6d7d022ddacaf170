import type { DueFeed, FeedTable } from './feed-table.js';
import type { RunStep } from './steps.js';

export interface FeedRound {
  table: FeedTable;
  runStep: RunStep;
  stopped(): boolean;
}

export interface FeedCounts {
  /** Feeds that were checked, since they may have had entries to delete. */
  feedsVisited: number;
  /** Entries that were deleted. */
  feedEntries: number;
}

/**
 * Prunes the feeds that are due, and saves when each is due next. A feed that can't be scheduled, because another
 * transaction writes to it or the process ends, stays due. The round of the feeds ends early where a step gave way to
 * other transactions at each of its tries.
 */
export async function pruneFeeds({ table, runStep, stopped }: FeedRound): Promise<FeedCounts> {
  const counts: FeedCounts = { feedsVisited: 0, feedEntries: 0 };

  const schedule = (users: readonly string[]) => runStep('schedule feeds', () => table.schedule(users));

  /** Resolves to the users whose feeds could not be scheduled; `undefined` if a step gave way. */
  async function prune(users: readonly string[]): Promise<string[] | undefined> {
    const unscheduled = await schedule(users);
    if (!unscheduled) return undefined;
    counts.feedsVisited += users.length;
    const { old, busy } = unscheduled;
    for (let left = old; left.length > 0; ) {
      const pruned = await runStep('prune feeds', () => table.prune(left));
      if (!pruned) return undefined;
      counts.feedEntries += pruned.deleted;
      left = pruned.left;
    }
    if (old.length === 0) return busy;
    const again = await schedule(old);
    return again && [...busy, ...again.old, ...again.busy];
  }

  /**
   * For feeds that the scan could not schedule. Their present due time is that of other limits, so it may be too late; and
   * the transaction that writes to one may be rolled back, so no trigger makes it due.
   */
  async function makeDue(users: readonly string[]): Promise<boolean> {
    for (const user of users) {
      const made = await runStep('make a feed due', () => table.makeDue(user).then(() => true));
      if (!made) return false;
    }
    return true;
  }

  /** Goes through all feeds if they were scheduled for other limits, or never. False if that is not complete. */
  async function scan(): Promise<boolean> {
    while (!stopped()) {
      const next = await runStep('find feeds', async () => {
        await table.startScanIfLimitsChanged();
        return { users: await table.nextOfScan() };
      });
      if (!next) return false;
      const { users } = next;
      if (users === undefined) return true;
      const unscheduled = await prune(users);
      if (!unscheduled || !(await makeDue(unscheduled))) return false;
      await runStep('save the scan', () => table.saveScan(users.at(-1) ?? null));
    }
    return false;
  }

  async function pruneDue(): Promise<void> {
    let after: DueFeed | undefined;
    do {
      const from = after;
      const due = await runStep('find feeds', () => table.due(from));
      if (!due || !(await prune(due.map(({ userId }) => userId)))) return;
      after = due.at(-1);
    } while (after && !stopped());
  }

  if (await scan()) await pruneDue();
  return counts;
}
