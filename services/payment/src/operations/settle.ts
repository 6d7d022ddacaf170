import type { Payment, Refund } from '@warren/payment-contract';
import type { PaymentUow } from '../context.js';
import type { DecidedOutcome, Operation } from '../domain/operation.js';
import { settlementOf } from '../domain/settlement.js';
import { stateOf } from '../domain/views.js';
import { forgetPayer } from '../store/erasure.js';
import { lockOperation } from '../store/locks.js';
import { saveSettlement } from '../store/settlements.js';
import { announce } from './announce.js';

/** The payment and the refund after an operation was settled. */
export interface Settled {
  payment: Payment;
  /** Only if the operation is a refund. */
  refund?: Refund;
}

/**
 * The second transaction of a provider call: applies the outcome to the payment, writes the ledger and closes the
 * operation. Changes nothing if the operation is closed already, for example by another instance after the lease
 * expired.
 */
export function settle(uow: PaymentUow, operation: Operation, outcome: DecidedOutcome): Promise<Settled> {
  return uow.run(
    async (tx) => {
      const { settled, gone, provider, ...before } = await lockOperation(tx, operation);
      if (settled) return before;
      const found = settlementOf(before, operation, outcome, provider, new Date());
      const payerIsGone = gone.includes(before.payment.payerId);
      const after = payerIsGone ? { ...found, payment: stateOf(found.payment) } : found;
      await saveSettlement(tx, operation, after, outcome.reference);
      if (payerIsGone) await forgetPayer(tx, operation.paymentId, operation.correlationId);
      if (after.event) announce(tx, after.payment, after.event, gone);
      return after;
    },
    // Money has moved, so this is recorded even while new work is refused because of a full outbox.
    { cause: { correlationId: operation.correlationId }, admit: false },
  );
}
