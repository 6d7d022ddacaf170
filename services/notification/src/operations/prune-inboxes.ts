import { AppError } from '@warren/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { NotificationContext } from '../context.js';
import { expiryOf, oldestKeptId, type Retention } from '../domain/retention.js';
import {
  beforeAllDue,
  type Inbox,
  inboxesDue,
  inspectInboxes,
  pruneNotifications,
  scheduleInboxes,
} from '../store/pruning.js';

const inboxesPerRound = 200;
const rowsPerTransaction = 1_000;

type Dependencies = Pick<NotificationContext, 'client' | 'uow' | 'log'> & { retention: Retention };

/**
 * Deletes from the next inboxes that are due whatever exceeds the limits, in short transactions. So a command that
 * changes a whole inbox changes a bounded number of rows. Ends early when `signal` aborts. Resolves to whether more
 * inboxes may be due.
 */
export function createPruneInboxes({
  client,
  uow,
  log,
  retention,
}: Dependencies): (signal: AbortSignal) => Promise<boolean> {
  let after = beforeAllDue;

  async function pruneInboxes(signal: AbortSignal): Promise<boolean> {
    const now = new Date();
    const due = await inboxesDue(client, { after, now, limit: inboxesPerRound });
    const users = due.map(({ userId }) => userId);
    const pruned: string[] = [];
    for (const inbox of await inspectAndSchedule(users, now)) {
      if (await pruneOrSkip(inbox, signal)) pruned.push(inbox.userId);
    }
    await inspectAndSchedule(pruned, now);
    after = (due.length === inboxesPerRound && due.at(-1)) || beforeAllDue;
    return after !== beforeAllDue;
  }

  /**
   * Notes when these people's inboxes are due next. Resolves to the inboxes with something to prune, which stay due.
   */
  async function inspectAndSchedule(users: readonly string[], now: Date): Promise<Inbox[]> {
    if (users.length === 0) return [];
    const limits = { most: retention.most, oldestId: oldestKeptId(now, retention) };
    const inboxes = await inspectInboxes(client, users, limits);
    const withinLimits = inboxes.filter(({ upTo }) => upTo === null);
    const dueAt = ({ oldest }: Inbox) => (oldest === null ? null : expiryOf(oldest, retention));
    await scheduleInboxes(
      client,
      withinLimits.map((inbox) => ({ ...inbox, dueAt: dueAt(inbox) })),
    );
    return inboxes.filter(({ upTo }) => upTo !== null);
  }

  /**
   * Resolves to whether the inbox was pruned. An inbox that can't be pruned is skipped, so that it doesn't delay the
   * others.
   *
   * @throws AppError if the failure is temporary: the database is unavailable for all inboxes
   */
  async function pruneOrSkip({ userId, upTo }: Inbox, signal: AbortSignal): Promise<boolean> {
    try {
      while (upTo !== null && !signal.aborted && (await pruneSome(userId, upTo)) === rowsPerTransaction);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.temporary) throw error;
      log.warn({ err: error, userId }, 'an inbox could not be pruned; it will be tried again');
      return false;
    }
  }

  /** Tells the person if it changes their counts. Nothing up to the newest deleted notification is unread any more. */
  async function pruneSome(userId: string, upTo: string): Promise<number> {
    return uow.run(
      async (tx) => {
        const pruned = await pruneNotifications(tx, userId, { upTo, limit: rowsPerTransaction });
        const { rows, upTo: newest, counts } = pruned;
        if (counts !== null) {
          tx.feed(userId, {
            type: 'notification.all-updated',
            data: { change: 'read', upTo: newest, counts },
          });
        }
        return rows;
      },
      { users: [userId], cause: { correlationId: uuidv7() } },
    );
  }

  return pruneInboxes;
}
