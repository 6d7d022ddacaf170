import { AppError, type NextAction, type Payment, type PaymentStatus } from '@warren/contracts';

/** What can happen to a payment. */
export type Change =
  | { to: 'processing' }
  | { to: 'requires_action'; nextAction: NextAction; clientSecret?: string }
  | { to: 'succeeded' }
  | { to: 'failed'; failureCode: string }
  | { to: 'canceled' };

/** Every path a payment can take. It starts as `processing`, and no other path exists. */
const paths: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  processing: ['requires_action', 'succeeded', 'failed'],
  requires_action: ['processing', 'succeeded', 'failed', 'canceled'],
  succeeded: [],
  failed: [],
  canceled: [],
};

/**
 * The payment after the change, one version on. What belongs to the state left behind goes with it.
 *
 * @throws AppError `wrong-state` if no such path exists.
 */
export function applyChange(payment: Payment, change: Change, at: Date): Payment {
  if (!paths[payment.status].includes(change.to)) {
    throw new AppError('wrong-state', {
      detail: `A payment cannot go from ${payment.status} to ${change.to}`,
    });
  }
  const { failureCode: _failure, nextAction: _action, clientSecret: _secret, ...kept } = payment;
  const { to: status, ...details } = change;
  return { ...kept, ...details, status, version: payment.version + 1, updatedAt: at.toISOString() };
}
