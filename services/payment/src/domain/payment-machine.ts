import {
  type NextAction,
  type Payment,
  type PaymentStatus,
  type paymentContract,
  paymentError,
} from '@warren/payment-contract';

/** The events that this service publishes about payments. */
export type PaymentEvent = keyof typeof paymentContract.emits;

/** What can happen to a payment. */
export type Change =
  | { to: 'processing' }
  | { to: 'requires_action'; nextAction: NextAction; clientSecret?: string }
  | { to: 'succeeded' }
  | { to: 'failed'; failureCode: string }
  | { to: 'canceled' };

/** All transitions of a payment, which starts as `processing`. */
const transitions: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  processing: ['requires_action', 'succeeded', 'failed'],
  requires_action: ['processing', 'succeeded', 'failed', 'canceled'],
  succeeded: [],
  failed: [],
  canceled: [],
};

/** The event that is published when a payment gets this status. */
export const statusEvents: Readonly<Record<PaymentStatus, PaymentEvent>> = {
  processing: 'payment.processing',
  requires_action: 'payment.requires-action',
  succeeded: 'payment.succeeded',
  failed: 'payment.failed',
  canceled: 'payment.canceled',
};

/**
 * The payment after the change, with the next version. Fields that belong to the old status are removed.
 *
 * @throws AppError `wrong-state` if there is no such transition
 */
export function applyChange(payment: Payment, change: Change, at: Date): Payment {
  if (!transitions[payment.status].includes(change.to)) {
    throw paymentError('wrong-state', {
      detail: `A payment cannot go from ${payment.status} to ${change.to}`,
    });
  }
  const { failureCode: _failure, nextAction: _action, clientSecret: _secret, ...kept } = payment;
  const { to: status, ...details } = change;
  return { ...kept, ...details, status, version: payment.version + 1, updatedAt: at.toISOString() };
}

/**
 * The payment with `amount` more refunded and the next version. It stays `succeeded`. A negative amount reverses a
 * refund that failed after it had succeeded.
 *
 * @throws AppError `wrong-state` if the payment is not `succeeded`, `refund-exceeds-payment` above the paid amount
 */
export function applyRefund(payment: Payment, amount: number, at: Date): Payment {
  if (payment.status !== 'succeeded') {
    throw paymentError('wrong-state', {
      detail: `A payment that is ${payment.status} has nothing to refund`,
    });
  }
  const amountRefunded = payment.amountRefunded + amount;
  if (amountRefunded < 0 || amountRefunded > payment.amount) throw paymentError('refund-exceeds-payment');
  return { ...payment, amountRefunded, version: payment.version + 1, updatedAt: at.toISOString() };
}
