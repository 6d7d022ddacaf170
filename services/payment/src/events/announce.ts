import type { Payment, PaymentStatus, paymentContract } from '@warren/contracts';
import type { TxEffects } from '@warren/unit-of-work';
import { stateOf, viewFor } from '../domain/views.js';

const eventTypes: Readonly<Record<PaymentStatus, keyof typeof paymentContract.emits>> = {
  processing: 'payment.processing',
  requires_action: 'payment.requires-action',
  succeeded: 'payment.succeeded',
  failed: 'payment.failed',
  canceled: 'payment.canceled',
};

/**
 * Tells of a change, with the transaction that made it: other services by an event, the payer and, from
 * `succeeded` on, the recipient by their feeds. Whoever is `gone` gets nothing.
 */
export function announce(effects: TxEffects, payment: Payment, gone: readonly string[] = []): void {
  effects.publish({
    type: eventTypes[payment.status],
    subject: payment.id,
    version: payment.version,
    data: stateOf(payment),
  });
  for (const readerId of [payment.payerId, payment.recipientId]) {
    const view = viewFor(payment, readerId);
    if (view !== undefined && !gone.includes(readerId)) {
      effects.feed(readerId, { type: 'payment.updated', data: view });
    }
  }
}
