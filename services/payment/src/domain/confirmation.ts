import { type Payment, paymentError } from '@warren/payment-contract';

/** Maximum confirmations of one payment. Each one calls the provider and may add entries to the payer's feed. */
export const mostConfirmations = 20;

export interface Confirmable {
  payment: Payment;
  /** Confirmations of the payment so far, whatever their outcomes. */
  confirmationsMade: number;
  /** Ids of the payer and the recipient, if they were erased. */
  gone: readonly string[];
}

/**
 * Checks that the payer may confirm a payment. A payment to an erased recipient can only be canceled.
 *
 * @throws AppError `recipient-gone`, or `wrong-state` after `mostConfirmations` confirmations
 */
export function checkMayConfirm({ payment, confirmationsMade, gone }: Confirmable): void {
  if (gone.includes(payment.recipientId)) throw paymentError('recipient-gone');
  if (confirmationsMade < mostConfirmations) return;
  throw paymentError('wrong-state', {
    detail: `A payment is confirmed at most ${mostConfirmations} times; it can be canceled`,
  });
}
