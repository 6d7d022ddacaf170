import { AppError } from '@warren/contracts';
import { type Payment, paymentError } from '@warren/payment-contract';

export interface PaymentRequest {
  recipientId: string;
  /** In the currency's minor unit. */
  amount: number;
  currency: string;
  description?: string;
  paymentMethod: string;
}

/** A payment in its first state. @throws AppError `self-payment` */
export function newPayment(id: string, payerId: string, request: PaymentRequest, at: Date): Payment {
  const { recipientId, amount, currency, description } = request;
  if (recipientId === payerId) throw paymentError('self-payment');
  const time = at.toISOString();
  return {
    id,
    payerId,
    recipientId,
    amount,
    currency,
    amountRefunded: 0,
    status: 'processing',
    description: description ?? null,
    version: 1,
    createdAt: time,
    updatedAt: time,
  };
}

/** What this service knows about a person. */
export interface KnownPerson {
  id: string;
  deleted: boolean;
}

/**
 * Checks that the payer may pay the recipient. A payer without a copy is accepted, because their token is valid.
 *
 * @throws AppError `unknown-recipient` (temporary), `recipient-gone`, or `session-revoked` for a deleted payer.
 */
export function checkPeople(payment: Payment, people: readonly KnownPerson[]): void {
  const known = new Map(people.map((person) => [person.id, person]));
  if (known.get(payment.payerId)?.deleted) throw new AppError('session-revoked');
  const recipient = known.get(payment.recipientId);
  if (recipient === undefined) throw paymentError('unknown-recipient');
  if (recipient.deleted) throw paymentError('recipient-gone');
}
