import { type Payment, paymentError } from '@warren/payment-contract';
import type { Cause } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import type { PaymentTx } from '../context.js';
import { newPayment, type PaymentRequest } from '../domain/new-payment.js';
import type { Operation } from '../domain/operation.js';
import { statusEvents } from '../domain/payment-machine.js';
import { reserveCharge } from '../store/reservations.js';
import { announce } from './announce.js';
import type { OperationDependencies } from './dependencies.js';
import { newCharge } from './new-operation.js';

export interface PayRequest {
  payerId: string;
  idempotencyKey: string;
  request: PaymentRequest;
  cause: Cause;
}

interface Reservation {
  payment: Payment;
  charge: Operation;
}

/**
 * Pays in two transactions, with the call to the provider between them. The first one reserves the charge, so that a
 * sweeper can finish it after a crash. The second one settles it. A repeat with the same key continues the payment of
 * the first request.
 *
 * Resolves to the payment in its current state, after `answerWithinMs` at the latest.
 *
 * @throws AppError `self-payment`, `unknown-payment-method`, `unknown-recipient`, `recipient-gone`,
 * `session-revoked`, `request-in-progress`, `idempotency-key-reused`, `service-overloaded`
 */
export function createPay({
  uow,
  provider,
  calls,
  progress,
  durations: { leaseMs },
}: OperationDependencies): (request: PayRequest) => Promise<Payment> {
  return async ({ payerId, idempotencyKey, request, cause }) => {
    const once = { userId: payerId, operation: 'payment.create', key: idempotencyKey, input: request, cause };
    const work = async (tx: PaymentTx) => {
      const { payment, charge } = draft(payerId, request, cause);
      if (!provider.accepts(request.paymentMethod)) throw paymentError('unknown-payment-method');
      await reserveCharge(tx, payment, charge, { provider: provider.name, leaseMs });
      announce(tx, payment, statusEvents[payment.status]);
      return { record: { paymentId: payment.id }, result: { payment, charge } };
    };
    const outcome = await calls.admitted(() => uow.once(once, work));
    if (!outcome.ran) return progress.reached(outcome.recorded.paymentId);
    const { payment, charge } = outcome.result;
    return (await progress.first(charge))?.payment ?? payment;
  };
}

function draft(payerId: string, request: PaymentRequest, cause: Cause): Reservation {
  const createdAt = new Date();
  const payment = newPayment(uuidv7(), payerId, request, createdAt);
  return { payment, charge: newCharge(payment, request.paymentMethod, cause, createdAt) };
}
