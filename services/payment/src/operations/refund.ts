import { AppError } from '@warren/contracts';
import type { Refund } from '@warren/payment-contract';
import type { Cause } from '@warren/unit-of-work';
import type { PaymentTx } from '../context.js';
import type { Operation } from '../domain/operation.js';
import { type Asker, checkMayHandleRefunds, newRefund } from '../domain/refund.js';
import { lockPayment } from '../store/locks.js';
import { findRefund } from '../store/refunds.js';
import { reserveRefund } from '../store/reservations.js';
import type { OperationDependencies } from './dependencies.js';
import { newFollowUp } from './new-operation.js';

export interface RefundPaymentRequest {
  asker: Asker;
  paymentId: string;
  /** In the currency's minor unit. By default the whole remaining amount. */
  amount?: number | undefined;
  idempotencyKey: string;
  cause: Cause;
}

interface Reservation {
  refund: Refund;
  operation: Operation;
}

/**
 * Refunds a payment, whole or in part. Like `pay`, it uses two transactions with the call to the provider between them.
 * The first one reserves the amount while it holds the payment's lock, so that refunds in progress never exceed the
 * amount paid.
 *
 * Resolves to the refund in its current state, after `answerWithinMs` at the latest.
 *
 * @throws AppError `not-found`, `forbidden`, `wrong-state`, `refund-exceeds-payment`, `session-revoked`,
 * `request-in-progress`, `idempotency-key-reused`, `service-unavailable`, `service-overloaded`
 */
export function createRefund({
  client,
  uow,
  provider,
  calls,
  progress,
  durations: { leaseMs },
}: OperationDependencies): (request: RefundPaymentRequest) => Promise<Refund> {
  return async (request) => {
    const { asker, paymentId, amount, idempotencyKey: key, cause } = request;
    const input = { paymentId, amount: amount ?? null };
    const once = { userId: asker.userId, operation: 'payment.refund', key, input, cause };
    const work = async (tx: PaymentTx) => {
      const reserved = await reserve(tx, request);
      return { record: { refundId: reserved.refund.id }, result: reserved };
    };
    const outcome = await calls.admitted(() => uow.once(once, work));
    if (!outcome.ran) return resume(outcome.recorded.refundId);
    const { refund, operation } = outcome.result;
    return (await progress.first(operation))?.refund ?? refund;
  };

  async function reserve(tx: PaymentTx, request: RefundPaymentRequest): Promise<Reservation> {
    const { asker, paymentId, amount, cause } = request;
    const held = await lockPayment(tx, paymentId);
    if (held === undefined) throw new AppError('not-found');
    checkMayHandleRefunds(held.payment, asker);
    if (held.gone.includes(asker.userId)) throw new AppError('session-revoked');
    const at = new Date();
    const draft = newFollowUp(held, { kind: 'refund', provider: provider.name, cause, at });
    const refund = newRefund(
      draft.id,
      { ...held, amount, by: asker.roles.includes('admin') ? 'admin' : 'recipient' },
      at,
    );
    const operation = { ...draft, amount: refund.amount };
    await reserveRefund(tx, refund, operation, leaseMs);
    return { refund, operation };
  }

  async function resume(refundId: string): Promise<Refund> {
    const refund = await findRefund(client, refundId);
    if (refund === undefined) throw new AppError('not-found');
    if (refund.status !== 'pending') return refund;
    return (await progress.resume(refundId))?.refund ?? refund;
  }
}
