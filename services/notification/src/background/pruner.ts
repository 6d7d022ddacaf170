import { AppError } from '@warren/contracts';
import { type Background, rounds } from '@warren/service-kit';
import { v7 as uuidv7 } from 'uuid';
import type { NotificationContext } from '../context.js';
import { endOfDays, type Kept, oldestKept } from '../domain/kept.js';
import {
  beforeAllDue,
  type Inbox,
  inboxesDue,
  lookAtInboxes,
  pruneNotifications,
  scheduleInboxes,
} from '../store/pruning.js';

const everyMs = 3_600_000;
const inboxesAtOnce = 200;
const rowsAtOnce = 1_000;

type Dependencies = Pick<NotificationContext, 'client' | 'uow' | 'log' | 'withLease'> & { kept: Kept };

/**
 * Deletes what is not kept from the inboxes that are due, in short transactions, one instance at a time. So a command
 * that changes a whole inbox changes a bounded number of rows.
 */
export function notificationPruner({ client, uow, log, withLease, kept }: Dependencies): Background {
  let after = beforeAllDue;

  async function round(signal: AbortSignal): Promise<boolean> {
    return (await withLease('notification-pruner', () => pruneSome(signal))) ?? false;
  }

  async function pruneSome(signal: AbortSignal): Promise<boolean> {
    const now = new Date();
    const due = await inboxesDue(client, { after, now, limit: inboxesAtOnce });
    const users = due.map(({ userId }) => userId);
    const pruned: string[] = [];
    for (const inbox of await lookAndSchedule(users, now)) {
      if (await pruneOrLeave(inbox, signal)) pruned.push(inbox.userId);
    }
    await lookAndSchedule(pruned, now);
    after = (due.length === inboxesAtOnce && due.at(-1)) || beforeAllDue;
    return after !== beforeAllDue;
  }

  /** Looks at these people's inboxes and notes when each is due next. Resolves to those with something to prune, which stay due. */
  async function lookAndSchedule(users: readonly string[], now: Date): Promise<Inbox[]> {
    if (users.length === 0) return [];
    const looks = { most: kept.most, oldestId: oldestKept(now, kept) };
    const inboxes = await lookAtInboxes(client, users, looks);
    const whole = inboxes.filter(({ upTo }) => upTo === null);
    const dueAt = ({ oldest }: Inbox) => (oldest === null ? null : endOfDays(oldest, kept));
    await scheduleInboxes(
      client,
      whole.map((inbox) => ({ ...inbox, dueAt: dueAt(inbox) })),
    );
    return inboxes.filter(({ upTo }) => upTo !== null);
  }

  /**
   * True if the inbox was pruned. One that can't be pruned is left, so that it holds up none behind it; where the database
   * is away, the round ends.
   */
  async function pruneOrLeave({ userId, upTo }: Inbox, signal: AbortSignal): Promise<boolean> {
    try {
      while (upTo !== null && !signal.aborted && (await prune(userId, upTo)) === rowsAtOnce);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.temporary) throw error;
      log.warn({ err: error, userId }, 'an inbox could not be pruned, it is left until the next walk');
      return false;
    }
  }

  /** Tells the person where it changes their counts: up to there, nothing is unread any more. */
  async function prune(userId: string, upTo: string): Promise<number> {
    return uow.run(
      async (tx) => {
        const {
          rows,
          upTo: newest,
          counts,
        } = await pruneNotifications(tx, userId, { upTo, limit: rowsAtOnce });
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

  return rounds({ name: 'notification-pruner', everyMs, log, round });
}
