import { AppError } from '@warren/contracts';
import type { Payment } from '@warren/payment-contract';
import type { Cause } from '@warren/unit-of-work';
import type { PaymentTx } from '../context.js';
import { checkMayConfirm } from '../domain/confirmation.js';
import type { Operation } from '../domain/operation.js';
import { applyChange, statusEvents } from '../domain/payment-machine.js';
import { type HeldPayment, lockPayment } from '../store/locks.js';
import { reserveAction } from '../store/reservations.js';
import { announce } from './announce.js';
import type { OperationDependencies } from './dependencies.js';
import { newFollowUp } from './new-operation.js';

export interface ActRequest {
  kind: 'confirm' | 'cancel';
  paymentId: string;
  payerId: string;
  /** A repeat with the same id does nothing, and is answered with the payment in its current state. */
  commandId?: string | undefined;
  cause: Cause;
}

interface Reservation {
  payment: Payment;
  operation: Operation;
}

/**
 * Confirms or cancels a payment that requires action, for its payer only. Like `pay`, it uses two transactions with the
 * call to the provider between them. The payment is `processing` while it is being confirmed. A cancelation changes the
 * payment only after the provider accepted it, because the payment may have succeeded by then.
 *
 * Resolves to the payment in its current state, after `answerWithinMs` at the latest.
 *
 * @throws AppError `not-found`, `wrong-state`, `recipient-gone`, `session-revoked`, `request-in-progress` while another
 * operation on the payment is open, `idempotency-key-reused`, `service-unavailable`, `service-overloaded`
 */
export function createAct({
  uow,
  provider,
  calls,
  progress,
  durations: { leaseMs },
}: OperationDependencies): (request: ActRequest) => Promise<Payment> {
  return async (request) => {
    const { kind, payerId, paymentId, commandId, cause } = request;
    const work = (tx: PaymentTx) => reserve(tx, request);
    const once = { userId: payerId, operation: `payment.${kind}`, input: { paymentId }, cause };
    const reserved = await calls.admitted(async () => {
      if (commandId === undefined) return uow.run(work, { cause });
      const outcome = await uow.once({ ...once, key: commandId }, async (tx) => ({
        record: { paymentId },
        result: await work(tx),
      }));
      return outcome.ran ? outcome.result : undefined;
    });
    if (!reserved) return progress.reached(paymentId);
    return (await progress.first(reserved.operation))?.payment ?? reserved.payment;
  };

  async function reserve(
    tx: PaymentTx,
    { kind, payerId, paymentId, cause }: ActRequest,
  ): Promise<Reservation> {
    const held = await lockPayment(tx, paymentId);
    if (held === undefined || held.payment.payerId !== payerId) throw new AppError('not-found');
    if (held.gone.includes(payerId)) throw new AppError('session-revoked');
    const at = new Date();
    const payment = paymentDuringCall(held, kind, at);
    const operation = newFollowUp(held, { kind, provider: provider.name, cause, at });
    await reserveAction(tx, payment, operation, leaseMs);
    if (payment !== held.payment) announce(tx, payment, statusEvents[payment.status], held.gone);
    return { payment, operation };
  }
}

/** The payment during the call to the provider. */
function paymentDuringCall(held: HeldPayment, kind: ActRequest['kind'], at: Date): Payment {
  const { payment, open } = held;
  const target = kind === 'confirm' ? 'processing' : 'canceled';
  const changed = applyChange(payment, { to: target }, at);
  if (open !== null) throw new AppError('request-in-progress');
  if (kind === 'confirm') checkMayConfirm(held);
  return kind === 'confirm' ? changed : payment;
}
