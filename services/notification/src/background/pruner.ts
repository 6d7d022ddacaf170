import { AppError } from '@warren/contracts';
import { type Background, rounds, type ServiceContext } from '@warren/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { firstIdAt, type Kept } from '../domain/kept.js';
import type { NotificationDb, PrismaClient } from '../store/database.js';
import { type Inbox, inboxesToPrune, pruneNotifications } from '../store/pruning.js';

const everyMs = 3_600_000;
const inboxesAtOnce = 200;
const rowsAtOnce = 1_000;
const beforeAll = '00000000-0000-0000-0000-000000000000';

type Dependencies = Pick<ServiceContext<unknown, NotificationDb, PrismaClient>, 'client' | 'uow' | 'log'> & {
  kept: Kept;
};

/**
 * Walks all inboxes and deletes what is not kept, in short transactions. So whatever changes a whole inbox changes a
 * bounded one.
 */
export function notificationPruner({ client, uow, log, kept }: Dependencies): Background {
  let after = beforeAll;

  async function round(signal: AbortSignal): Promise<boolean> {
    const oldestId = firstIdAt(new Date(Date.now() - kept.days * 86_400_000));
    const inboxes = await inboxesToPrune(client, { after, limit: inboxesAtOnce, most: kept.most, oldestId });
    for (const inbox of inboxes) await pruneOrLeave(inbox, signal);
    after = (inboxes.length === inboxesAtOnce && inboxes.at(-1)?.userId) || beforeAll;
    return after !== beforeAll;
  }

  /** An inbox that can't be pruned keeps none behind it waiting. Where none can be, the next round is early enough. */
  async function pruneOrLeave({ userId, upTo }: Inbox, signal: AbortSignal): Promise<void> {
    try {
      while (upTo !== null && !signal.aborted && (await prune(userId, upTo)) === rowsAtOnce);
    } catch (error) {
      if (error instanceof AppError && error.temporary) throw error;
      log.warn({ err: error, userId }, 'an inbox could not be pruned, it is left until the next walk');
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
