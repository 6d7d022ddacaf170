import { AppError } from '@warren/contracts';
import { type Payment, paymentError, type Refund, type RefundStatus } from '@warren/payment-contract';
import { applyRefund } from './payment-machine.js';

/** Who asks for something. */
export interface Asker {
  userId: string;
  roles: readonly string[];
}

/**
 * Refunds are for the recipient and for admins.
 *
 * @throws AppError `forbidden` for the payer, `not-found` for whom the payment doesn't exist.
 */
export function checkMayHandleRefunds(payment: Payment, { userId, roles }: Asker): void {
  if (roles.includes('admin')) return;
  if (userId === payment.recipientId && payment.status === 'succeeded') return;
  throw new AppError(userId === payment.payerId ? 'forbidden' : 'not-found');
}

/**
 * Refunds of one payment, by its recipient and by admins, whom no recipient shall keep from giving the rest back. A
 * provider lists them all to find one whose answer was lost.
 */
export const mostRefunds = { recipient: 100, admin: 500 } as const;

/** What is to be given back, and of what. */
export interface RefundRequest {
  payment: Payment;
  /** Held by refunds that are not decided yet, in the currency's minor unit. */
  refundsPending: number;
  /** Refunds of it that were made before, whatever became of them. */
  refundsMade: number;
  /** All that is left if left out. */
  amount?: number | undefined;
  /** Who asks for it. */
  by: keyof typeof mostRefunds;
}

/**
 * A refund as it starts: `pending`, and counted as given back from now on.
 *
 * @throws AppError `wrong-state` for a payment that isn't `succeeded` or has had `mostRefunds`,
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

/** Every path a refund can take. A bank may send back what had succeeded. */
const paths: Readonly<Record<RefundStatus, readonly RefundStatus[]>> = {
  pending: ['succeeded', 'failed'],
  succeeded: ['failed'],
  failed: [],
};

/** Whether the refund can still take that status. */
export function canBecome(refund: Refund, status: RefundStatus): boolean {
  return paths[refund.status].includes(status);
}
