import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import type { Operation, OperationKind } from '../domain/operation.js';
import type { HeldPayment } from '../store/locks.js';

/** What is to be done to a payment that was charged before. */
export interface FollowUp {
  kind: Exclude<OperationKind, 'charge'>;
  /** Whose provider runs here. */
  provider: string;
  cause: Cause;
  at: Date;
}

/**
 * An operation on a payment that was charged before, over its whole amount.
 *
 * @throws AppError `service-unavailable` where another provider charged it, which this deployment doesn't have.
 */
export function followUp(held: HeldPayment, { kind, provider, cause, at }: FollowUp): Operation {
  if (held.provider !== provider) {
    throw new AppError('service-unavailable', { detail: `${held.provider} is not in use here` });
  }
  const { id: paymentId, payerId, recipientId, currency, amount } = held.payment;
  return {
    id: uuidv7(),
    paymentId,
    kind,
    payerId,
    recipientId,
    amount,
    currency,
    paymentMethod: held.charge.paymentMethod,
    reference: null,
    paymentReference: held.charge.reference,
    attempts: 1,
    notices: 0,
    correlationId: cause.correlationId,
    createdAt: at,
  };
}
