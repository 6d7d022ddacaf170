import { type Background, rounds } from '@warren/service-kit';
import type { PaymentContext } from '../context.js';
import { eraseRemainingPayments } from '../operations/erase-remaining-payments.js';

type Dependencies = Pick<PaymentContext, 'uow' | 'log'> & { everyMs: number };

/** Erases payments of deleted users that were too many for the transaction that handled the deletion. */
export function eraser({ uow, log, everyMs }: Dependencies): Background {
  return rounds({ name: 'eraser', everyMs, log, round: () => eraseRemainingPayments(uow) });
}
