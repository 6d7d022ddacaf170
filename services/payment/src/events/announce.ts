import type { Payment, PaymentStatus, paymentContract } from '@warren/payment-contract';
import type { PaymentTx } from '../context.js';
import { stateOf, viewFor } from '../domain/views.js';

type EventType = keyof typeof paymentContract.emits;

const eventTypes: Readonly<Record<PaymentStatus, EventType>> = {
  processing: 'payment.processing',
  requires_action: 'payment.requires-action',
  succeeded: 'payment.succeeded',
  failed: 'payment.failed',
  canceled: 'payment.canceled',
};

/** What there is to say beside the payment itself. */
export interface Announcement {
  /** Erased people: they get nothing. */
  gone?: readonly string[];
  /** What happened, where it is not that the payment took its status. */
  type?: EventType;
}

/**
 * Tells of a change, with the transaction that made it: other services by an event, the payer and, from
 * `succeeded` on, the recipient by their feeds.
 */
export function announce(
  tx: Pick<PaymentTx, 'publish' | 'feed'>,
  payment: Payment,
  { gone = [], type = eventTypes[payment.status] }: Announcement = {},
): void {
  const { id: subject, version, payerId, description } = payment;
  // What they wrote is theirs; the rest belongs to the books.
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
