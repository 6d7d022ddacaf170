import {
  beforeAllDue,
  type DueFeed,
  type FeedKeep,
  feedsDue,
  feedsToWalk,
  makeFeedDue,
  pruneFeeds,
  scheduleFeeds,
  walkedTo,
  walkIfChanged,
} from './feeds.js';
import type { Gently } from './gently.js';
import type { Db } from './partitions.js';

export interface VisitParts {
  db: Db;
  gently: Gently;
  keep: FeedKeep;
  stopped(): boolean;
}

export interface Visited {
  feeds: number;
  entries: number;
}

/**
 * Prunes the feeds that are due, and notes when they are due again. One that could not be noted, since somebody was
 * writing to it or the process ended, stays due. Ends at the first step that gave way each time.
 */
export async function visitFeeds({ db, gently, keep, stopped }: VisitParts): Promise<Visited> {
  const visited: Visited = { feeds: 0, entries: 0 };

  const schedule = (users: readonly string[]) =>
    gently('look at feeds', () => scheduleFeeds(db, users, keep));

  /** Answers those that stay as due as they were; `undefined` if it gave way. */
  async function visit(users: readonly string[]): Promise<string[] | undefined> {
    const looked = await schedule(users);
    if (!looked) return undefined;
    visited.feeds += users.length;
    const { old, busy } = looked;
    for (let left = old; left.length > 0; ) {
      const pruned = await gently('prune feeds', () => pruneFeeds(db, left, keep));
      if (!pruned) return undefined;
      visited.entries += pruned.gone;
      left = pruned.left;
    }
    if (old.length === 0) return busy;
    const again = await schedule(old);
    return again && [...busy, ...again.old, ...again.busy];
  }

  /** What these were noted for, if anything, may be too late, and whoever holds one now may take back what they wrote. */
  async function makeDue(users: readonly string[]): Promise<boolean> {
    for (const user of users) {
      const made = await gently('make a feed due', () => makeFeedDue(db, user).then(() => true));
      if (!made) return false;
    }
    return true;
  }

  /** All of them, where nothing was noted yet, or for other limits. False if it isn't over. */
  async function walk(): Promise<boolean> {
    while (!stopped()) {
      const next = await gently('find feeds', async () => {
        await walkIfChanged(db, keep);
        return { users: await feedsToWalk(db) };
      });
      if (!next) return false;
      const { users } = next;
      if (users === undefined) return true;
      const unnoted = await visit(users);
      if (!unnoted || !(await makeDue(unnoted))) return false;
      await gently('note the walk', () => walkedTo(db, users.at(-1) ?? null));
    }
    return false;
  }

  async function visitDue(): Promise<void> {
    for (let after: DueFeed | undefined = beforeAllDue; after && !stopped(); ) {
      const from: DueFeed = after;
      const due = await gently('find feeds', () => feedsDue(db, from, keep.now));
      if (!due || !(await visit(due.map(({ userId }) => userId)))) return;
      after = due.at(-1);
    }
  }

  if (await walk()) await visitDue();
  return visited;
}
