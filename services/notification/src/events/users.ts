import { type DomainEvent, versionOf } from '@warren/contracts';
import type { EventHandler } from '@warren/unit-of-work';
import { isTombstone, type User, type UserSnapshot, type UserTombstone } from '@warren/user-contract';
import type { NotificationDb, NotificationTx } from '../store/database.js';
import { erasePerson } from '../store/erasure.js';
import { buryUserCopy, keepUserCopy } from '../store/user-copies.js';

// Named even where only the copy changes: handlers of payments hold copies too, and a batch of both must take
// them in the one order that all batches use.
const users = (event: DomainEvent): string[] => [(event.data as UserSnapshot).id];

/** Keeps the copy of users, and erases all that is kept of a deleted person. */
export const userProjections: EventHandler<NotificationDb>[] = [
  { kind: 'project', type: 'user.registered', users, handle: keep },
  { kind: 'project', type: 'user.updated', users, handle: keep },
  { kind: 'project', type: 'user.deleted', users, handle: erase },
  {
    kind: 'project',
    type: 'user.snapshot',
    users,
    handle: (tx, event) => (isTombstone(event.data as UserSnapshot) ? erase(tx, event) : keep(tx, event)),
  },
];

async function keep(db: NotificationDb, event: DomainEvent): Promise<void> {
  const { id, displayName, locale, timeZone, email, emailVerified } = event.data as User;
  const said = { displayName, locale, timeZone, email, emailVerified };
  await keepUserCopy(db, { id, ...versionOf(event), ...said });
}

/** The tombstone first: from then on nobody writes anything more for this person. */
async function erase(tx: NotificationTx, event: DomainEvent): Promise<void> {
  const { id } = event.data as UserTombstone;
  await buryUserCopy(tx, { id, ...versionOf(event) });
  await erasePerson(tx, id);
  tx.erase(id);
}
