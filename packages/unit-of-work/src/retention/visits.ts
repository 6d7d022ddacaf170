import {
  beforeAllDue,
  type DueFeed,
  type FeedKeep,
  feedsDue,
  feedsToWalk,
  makeFeedDue,
  noteWalkedTo,
  pruneFeeds,
  scheduleFeeds,
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
  /** Feeds that were looked at. */
  feeds: number;
  /** Entries that were deleted. */
  entries: number;
}

/**
 * Prunes the feeds that are due, and notes when each is due next. Where that can't be noted, because somebody writes to
 * the feed or the process ends, the feed stays due. The visit ends early, until the next round, where a step gave way to
 * others at each of its tries.
 */
export async function visitFeeds({ db, gently, keep, stopped }: VisitParts): Promise<Visited> {
  const visited: Visited = { feeds: 0, entries: 0 };

  const schedule = (users: readonly string[]) =>
    gently('look at feeds', () => scheduleFeeds(db, users, keep));

  /** Resolves to the users whose feeds stay as due as they were; `undefined` if a step gave way. */
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

  /**
   * For feeds that the walk couldn't schedule. The time that they were noted for may come too late, and the transaction
   * that holds one may be rolled back, so that no write makes it due.
   */
  async function makeDue(users: readonly string[]): Promise<boolean> {
    for (const user of users) {
      const made = await gently('make a feed due', () => makeFeedDue(db, user).then(() => true));
      if (!made) return false;
    }
    return true;
  }

  /** Visits all feeds where their times were noted for other limits, or never. False if it isn't over. */
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
      await gently('note the walk', () => noteWalkedTo(db, users.at(-1) ?? null));
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
