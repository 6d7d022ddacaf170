import { AppError } from '@warren/contracts';
import { type Payment, paymentError, type Refund, type RefundStatus } from '@warren/payment-contract';
import { applyRefund } from './payment-machine.js';

/** The caller of an operation. */
export interface Asker {
  userId: string;
  roles: readonly string[];
}

/**
 * Checks that the caller is the recipient or an admin.
 *
 * @throws AppError `forbidden` for the payer, `not-found` for everybody else
 */
export function checkMayHandleRefunds(payment: Payment, { userId, roles }: Asker): void {
  if (roles.includes('admin')) return;
  if (userId === payment.recipientId && payment.status === 'succeeded') return;
  throw new AppError(userId === payment.payerId ? 'forbidden' : 'not-found');
}

/**
 * Maximum refunds of one payment. Admins may make more, so that a recipient cannot keep them from refunding the rest.
 * The maximum exists because a refund whose answer was lost is searched among all refunds of its payment.
 */
export const mostRefunds = { recipient: 100, admin: 500 } as const;

/** A refund that is requested. */
export interface RefundRequest {
  payment: Payment;
  /** Sum of the refunds in progress, in the currency's minor unit. */
  refundsPending: number;
  /** Refunds of the payment so far, whatever their outcomes. */
  refundsMade: number;
  /** In the currency's minor unit. By default the whole remaining amount. */
  amount?: number | undefined;
  /** Which maximum applies. */
  by: keyof typeof mostRefunds;
}

/**
 * A refund in its first state, `pending`. From now on its amount counts as refunded.
 *
 * @throws AppError `wrong-state` if the payment is not `succeeded` or has `mostRefunds` refunds,
 * `refund-exceeds-payment`
 */
export function newRefund(id: string, request: RefundRequest, at: Date): Refund {
  const { payment, refundsPending, refundsMade, by } = request;
  const left = payment.amount - payment.amountRefunded - refundsPending;
  const amount = request.amount ?? left;
  applyRefund(payment, amount, at);
  if (refundsMade >= mostRefunds[by]) {
    throw paymentError('wrong-state', {
      detail: `A payment is refunded in at most ${mostRefunds[by]} parts`,
    });
  }
  if (amount < 1 || amount > left) throw paymentError('refund-exceeds-payment');
  return { id, paymentId: payment.id, amount, status: 'pending', createdAt: at.toISOString() };
}

/** All transitions of a refund. It can fail after it succeeded, if the bank sends the money back. */
const transitions: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  pending: ['succeeded', 'failed'],
  succeeded: ['failed'],
  failed: [],
};

/** Whether the refund can change to this status. */
export function canBecome(refund: Refund, status: RefundStatus): boolean {
  return transitions[refund.status].includes(status);
}
