import { type Payment, paymentError } from '@warren/payment-contract';

/** Of one payment. Each is a call to the provider, and one that leads to another step is told to the payer. */
export const mostConfirmations = 20;

export interface Confirmable {
  payment: Payment;
  /** Confirmations of it so far, whatever became of them. */
  confirmationsMade: number;
  /** Ids of those of the two people who were erased. */
  gone: readonly string[];
}

/**
 * Whether the payer may go on with it. Money goes to nobody who is gone: the payer can only cancel then.
 *
 * @throws AppError `recipient-gone`, `wrong-state` for one that was confirmed `mostConfirmations` times
 */
export function checkMayConfirm({ payment, confirmationsMade, gone }: Confirmable): void {
  if (gone.includes(payment.recipientId)) throw paymentError('recipient-gone');
  if (confirmationsMade < mostConfirmations) return;
  throw paymentError('wrong-state', {
    detail: `A payment is confirmed at most ${mostConfirmations} times; it can be canceled`,
  });
}
