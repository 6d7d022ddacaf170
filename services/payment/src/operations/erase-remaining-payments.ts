import { v7 as uuidv7 } from 'uuid';
import type { PaymentUow } from '../context.js';
import { eraseNextPayments } from '../store/erasure.js';

/** Erases the next payments of one deleted user. Resolves to whether there was such a user. */
export function eraseRemainingPayments(uow: PaymentUow): Promise<boolean> {
  return uow.run((tx) => eraseNextPayments(tx, uuidv7()), { admit: false });
}
