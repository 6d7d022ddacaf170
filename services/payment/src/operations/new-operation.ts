import { AppError } from '@warren/contracts';
import type { Payment } from '@warren/payment-contract';
import type { Cause } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import type { Operation, OperationKind } from '../domain/operation.js';
import type { HeldPayment } from '../store/locks.js';

/** The charge of a new payment. */
export function newCharge(payment: Payment, paymentMethod: string, cause: Cause, at: Date): Operation {
  return newOperation(payment, { kind: 'charge', paymentMethod, paymentReference: null, cause, at });
}

export interface FollowUpRequest {
  kind: Exclude<OperationKind, 'charge'>;
  /** Name of the provider that this instance uses. */
  provider: string;
  cause: Cause;
  at: Date;
}

/**
 * A confirmation, a cancelation or a refund of a payment that was charged before. Its amount is the whole payment.
 *
 * @throws AppError `service-unavailable` if another provider charged the payment
 */
export function newFollowUp(held: HeldPayment, { kind, provider, cause, at }: FollowUpRequest): Operation {
  if (held.provider !== provider) {
    throw new AppError('service-unavailable', { detail: `${held.provider} is not in use here` });
  }
  const { paymentMethod, reference: paymentReference } = held.charge;
  return newOperation(held.payment, { kind, paymentMethod, paymentReference, cause, at });
}

interface NewOperation extends Pick<Operation, 'kind' | 'paymentMethod' | 'paymentReference'> {
  cause: Cause;
  at: Date;
}

function newOperation(payment: Payment, { cause, at, ...given }: NewOperation): Operation {
  const { id: paymentId, payerId, recipientId, currency, amount } = payment;
  return {
    ...given,
    id: uuidv7(),
    paymentId,
    payerId,
    recipientId,
    amount,
    currency,
    reference: null,
    attempts: 1,
    webhooks: 0,
    correlationId: cause.correlationId,
    createdAt: at,
  };
}
