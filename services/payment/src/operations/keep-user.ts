import { type DomainEvent, versionOf } from '@warren/contracts';
import { isTombstone, type UserSnapshot } from '@warren/user-contract';
import type { PaymentTx } from '../context.js';
import { erasePayer } from '../store/erasure.js';
import { keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of a user. The texts of a deleted user are erased, with everything about them in the kit's tables. */
export async function keepUser(tx: PaymentTx, event: DomainEvent<string, UserSnapshot>): Promise<void> {
  const { id } = event.data;
  const deleted = isTombstone(event.data);
  // The tombstone is written first. A transaction that writes for this user waits for it, or makes it wait.
  await keepUserCopy(tx, { id, ...versionOf(event), deleted });
  if (!deleted) return;
  await erasePayer(tx, id, event.correlationid);
  tx.erase(id);
}
