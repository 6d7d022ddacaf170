import { AppError } from '@warren/contracts';
import type { Counts, Notification } from '@warren/notification-contract';
import type { NotificationTx, NotificationUow } from '../context.js';
import type { Mark, MarkAll } from '../domain/inbox.js';
import { countsOf, findNotification } from '../queries/notifications.js';
import { markAll, markOne } from '../store/marks.js';
import type { Caller } from './caller.js';

/** The marks that a person sets in their inbox. A mark that is set already changes nothing. */
export interface Marks {
  /** @throws AppError `not-found` if the caller has no such notification */
  one(caller: Caller, mark: Mark, id: string): Promise<{ notification: Notification; counts: Counts }>;
  all(caller: Caller, mark: MarkAll): Promise<{ counts: Counts }>;
}

/** The names of the commands. A key makes repeats of the same command return the first answer. */
const commandNames: Readonly<Record<Mark, string>> = {
  read: 'notification.mark-read',
  unread: 'notification.mark-unread',
  archived: 'notification.archive',
  unarchived: 'notification.unarchive',
};

export function createMarks(uow: NotificationUow): Marks {
  async function change<T>(
    caller: Caller,
    operation: string,
    input: unknown,
    work: (tx: NotificationTx) => Promise<T>,
  ) {
    const { userId, cause, commandId: key } = caller;
    const options = { users: [userId], cause };
    if (key === undefined) return uow.run(work, options);
    const outcome = await uow.once({ ...options, userId, operation, key, input }, async (tx) => {
      const result = await work(tx);
      return { record: result, result };
    });
    return outcome.ran ? outcome.result : outcome.recorded;
  }

  return {
    one: (caller, mark, id) =>
      change(caller, commandNames[mark], { id }, async (tx) => {
        const changed = await markOne(tx, caller.userId, id, mark, new Date());
        if (changed === undefined) return unchanged(tx, caller.userId, id);
        const { notification, counts } = changed;
        tx.feed(caller.userId, { type: 'notification.updated', data: { notification, counts } });
        return { notification, counts };
      }),

    all: (caller, mark) =>
      change(caller, `notification.mark-all-${mark}`, {}, async (tx) => {
        const changed = await markAll(tx, caller.userId, mark, new Date());
        if (changed === undefined) return { counts: await countsOf(tx, caller.userId) };
        const { upTo, counts } = changed;
        tx.feed(caller.userId, { type: 'notification.all-updated', data: { change: mark, upTo, counts } });
        return { counts };
      }),
  };
}

async function unchanged(tx: NotificationTx, userId: string, id: string) {
  const notification = await findNotification(tx, userId, id);
  if (notification === undefined) throw new AppError('not-found');
  return { notification, counts: await countsOf(tx, userId) };
}
