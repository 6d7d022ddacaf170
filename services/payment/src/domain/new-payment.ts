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

/** A payment as it starts. @throws AppError `self-payment` */
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

/** What this service knows of a person. */
export interface KnownPerson {
  id: string;
  deleted: boolean;
}

/**
 * Whether these two may deal with each other now. A payer of whom nothing is known has a valid token, which is enough.
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
