import { type DomainEvent, versionOf } from '@warren/contracts';
import { project } from '@warren/service-kit';
import { isTombstone, type UserSnapshot, userContract } from '@warren/user-contract';
import type { PaymentTx } from '../context.js';
import { erasePayer } from '../store/erasure.js';
import { keepUserCopy } from '../store/user-copies.js';

/** Keeps the copy of users: who exists and who is gone. Of the latter, what they wrote goes too. */
export const userProjections = [
  project(userContract, 'user.registered', { users, handle: keep }),
  project(userContract, 'user.updated', { users, handle: keep }),
  project(userContract, 'user.deleted', { users, handle: keep }),
  project(userContract, 'user.snapshot', { users, handle: keep }),
];

// So that batches take copies in one order, as whoever reserves or settles does.
function users({ data }: DomainEvent<string, UserSnapshot>): string[] {
  return [data.id];
}

async function keep(tx: PaymentTx, event: DomainEvent<string, UserSnapshot>): Promise<void> {
  const { id } = event.data;
  const deleted = isTombstone(event.data);
  // The tombstone first: whoever writes for this person waits for it, or is waited for.
  await keepUserCopy(tx, { id, ...versionOf(event), deleted });
  if (!deleted) return;
  await erasePayer(tx, id, event.correlationid);
  tx.erase(id);
}
