import { versionOf } from '@warren/contracts';
import type { EventHandler } from '@warren/unit-of-work';
import { isTombstone, type UserSnapshot } from '@warren/user-contract';
import type { PaymentDb } from '../store/database.js';
import { erasePayer } from '../store/erasure.js';
import { keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of users: who exists and who is gone. Of the latter, what they wrote goes too. */
export const userProjections: EventHandler<PaymentDb>[] = [
  projection('user.registered'),
  projection('user.updated'),
  projection('user.deleted'),
  projection('user.snapshot'),
];

function projection(type: string): EventHandler<PaymentDb> {
  return {
    kind: 'project',
    type,
    // So that batches take copies in one order, as whoever reserves or settles does.
    users: (event) => [(event.data as UserSnapshot).id],
    async handle(tx, event) {
      const user = event.data as UserSnapshot;
      const deleted = isTombstone(user);
      // The tombstone first: whoever writes for this person waits for it, or is waited for.
      await keepUserCopy(tx, { id: user.id, ...versionOf(event), deleted });
      if (!deleted) return;
      await erasePayer(tx, user.id, event.correlationid);
      tx.erase(user.id);
    },
  };
}
