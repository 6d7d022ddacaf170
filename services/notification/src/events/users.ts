import { type DomainEvent, versionOf } from '@warren/contracts';
import { project } from '@warren/service-kit';
import {
  isTombstone,
  type User,
  type UserSnapshot,
  type UserTombstone,
  userContract,
} from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { erasePerson } from '../store/erasure.js';
import { buryUserCopy, keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of users, and erases all that is kept of a deleted person. */
export const userProjections = [
  project(userContract, 'user.registered', { users, handle: keep }),
  project(userContract, 'user.updated', { users, handle: keep }),
  project(userContract, 'user.deleted', { users, handle: erase }),
  project(userContract, 'user.snapshot', {
    users,
    handle: (tx: NotificationTx, event) => {
      const { data, ...envelope } = event;
      return isTombstone(data) ? erase(tx, { ...envelope, data }) : keep(tx, { ...envelope, data });
    },
  }),
];

// Named even where only the copy changes: handlers of payments hold copies too, and a batch of both must take
// them in the one order that all batches use.
function users({ data }: DomainEvent<string, UserSnapshot>): string[] {
  return [data.id];
}

async function keep(tx: NotificationTx, event: DomainEvent<string, User>): Promise<void> {
  const { id, displayName, locale, timeZone, email, emailVerified } = event.data;
  const said = { displayName, locale, timeZone, email, emailVerified };
  await keepUserCopy(tx, { id, ...versionOf(event), ...said });
}

/** The tombstone first: from then on nobody writes anything more for this person. */
async function erase(tx: NotificationTx, event: DomainEvent<string, UserTombstone>): Promise<void> {
  const { id } = event.data;
  await buryUserCopy(tx, { id, ...versionOf(event) });
  await erasePerson(tx, id);
  tx.erase(id);
}
