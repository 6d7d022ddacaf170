import { AppError, type Counts, type Notification } from '@warren/contracts';
import type { Cause, UnitOfWork } from '@warren/unit-of-work';
import { setAllRead, setRead } from '../store/changes.js';
import type { NotificationDb, NotificationTx } from '../store/database.js';
import { countsOf, findNotification } from '../store/notifications.js';

export interface Caller {
  userId: string;
  cause: Cause;
  /** Makes a repeat return the first answer. */
  commandId?: string;
}

/** What a person does to their inbox, through whichever door. What is done already changes nothing. */
export interface Marks {
  /** @throws AppError `not-found` for a notification that isn't theirs */
  read(caller: Caller, id: string): Promise<{ notification: Notification; counts: Counts }>;
  allRead(caller: Caller): Promise<{ counts: Counts }>;
}

export function createMarks(uow: UnitOfWork<NotificationDb>): Marks {
  async function change<T>(
    caller: Caller,
    operation: string,
    input: unknown,
    work: (tx: NotificationTx) => Promise<T>,
  ) {
    const { userId, cause, commandId: key } = caller;
    const options = { users: [userId], cause };
    if (key === undefined) return uow.run(work, options);
    return (await uow.once({ ...options, userId, operation, key, input }, work)).value;
  }

  return {
    read: (caller, id) =>
      change(caller, 'notification.mark-read', { id }, async (tx) => {
        const changed = await setRead(tx, caller.userId, id, new Date());
        if (changed === undefined) return readBefore(tx, caller.userId, id);
        const { notification, counts } = changed;
        tx.feed(caller.userId, { type: 'notification.updated', data: { notification, counts } });
        return { notification, counts };
      }),

    allRead: (caller) =>
      change(caller, 'notification.mark-all-read', {}, async (tx) => {
        const changed = await setAllRead(tx, caller.userId, new Date());
        if (changed === undefined) return { counts: await countsOf(tx, caller.userId) };
        const { upTo, counts } = changed;
        tx.feed(caller.userId, { type: 'notification.all-updated', data: { change: 'read', upTo, counts } });
        return { counts };
      }),
  };
}

async function readBefore(tx: NotificationTx, userId: string, id: string) {
  const notification = await findNotification(tx, userId, id);
  if (notification === undefined) throw new AppError('not-found');
  return { notification, counts: await countsOf(tx, userId) };
}
