import type { Payment } from '@warren/payment-contract';
import type { PaymentTx } from '../context.js';
import type { PaymentEvent } from '../domain/payment-machine.js';
import { stateOf, viewFor } from '../domain/views.js';

/**
 * Publishes a change in the transaction that makes it: to other services by an event, and by feed entries to the payer
 * and, once the payment succeeded, to the recipient.
 *
 * @param gone ids of erased people, who get no feed entry
 */
export function announce(
  tx: Pick<PaymentTx, 'publish' | 'feed'>,
  payment: Payment,
  type: PaymentEvent,
  gone: readonly string[] = [],
): void {
  const { id: subject, version, payerId, description } = payment;
  // The description is the payer's own text. The rest belongs to the ledger and stays when the payer is erased.
  const about = description === null ? {} : { about: payerId };
  const personal = { userId: payerId, fields: ['description'] };
  tx.publish({ type, subject, version, data: stateOf(payment), ...about });
  for (const readerId of [payment.payerId, payment.recipientId]) {
    const view = viewFor(payment, readerId);
    if (view !== undefined && !gone.includes(readerId)) {
      const others = description !== null && readerId !== payerId;
      tx.feed(readerId, { type: 'payment.updated', data: view, ...(others && { personal }) });
    }
  }
}
