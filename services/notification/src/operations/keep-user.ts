import { type DomainEvent, versionOf } from '@warren/contracts';
import { isTombstone, type UserSnapshot } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { erasePerson } from '../store/erasure.js';
import { buryUserCopy, keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of a user. Everything about a deleted user is erased, also in the kit's tables. */
export async function keepUser(tx: NotificationTx, event: DomainEvent<string, UserSnapshot>): Promise<void> {
  const { data } = event;
  if (!isTombstone(data)) {
    const { id, displayName, locale, timeZone, email, emailVerified } = data;
    const fields = { displayName, locale, timeZone, email, emailVerified };
    await keepUserCopy(tx, { id, ...versionOf(event), ...fields });
    return;
  }
  // The tombstone comes first: from then on no transaction writes anything more for this person.
  await buryUserCopy(tx, { id: data.id, ...versionOf(event) });
  await erasePerson(tx, data.id);
  tx.erase(data.id);
}
