import type { Payment, Refund } from '@warren/payment-contract';
import { type Movement, movementOf } from './ledger.js';
import type { DecidedOutcome, Operation } from './operation.js';
import { applyChange, applyRefund, type Change, type PaymentEvent, statusEvents } from './payment-machine.js';
import { canBecome } from './refund.js';

/** What an operation is about, as it stands. */
export interface Situation {
  payment: Payment;
  /** Of a refund only. */
  refund?: Refund;
  /** Held by refunds that are not decided yet, in the currency's minor unit. */
  refundsPending: number;
}

/** The situation after the outcome, and what follows from it. */
export interface Settlement extends Situation {
  failureCode?: string;
  /** What to write to the books. */
  movement?: Movement;
  /** The event that tells of the change; undefined if the payment did not change. */
  event?: PaymentEvent;
}

/** What the outcome of an operation changes. An outcome that was applied before changes nothing. */
export function settlementOf(
  before: Situation,
  operation: Operation,
  outcome: DecidedOutcome,
  provider: string,
  at: Date,
): Settlement {
  if (operation.kind !== 'refund') return settlePayment(before, outcome, provider, at);
  if (before.refund === undefined) throw new Error(`Refund ${operation.id} is not in the database`);
  return settleRefund(before, before.refund, outcome, provider, at);
}

function settlePayment(before: Situation, outcome: DecidedOutcome, provider: string, at: Date): Settlement {
  const { status } = before.payment;
  // A provider that is asked again may report the same end as another failure.
  const isOver = status === 'failed' || status === 'canceled';
  if (outcome.to === status || (isOver && outcome.to !== 'succeeded')) return before;
  const payment = applyChange(before.payment, changeBy(before.payment, outcome), at);
  const paid = payment.status === 'succeeded';
  return {
    ...before,
    payment,
    event: statusEvents[payment.status],
    ...(paid && { movement: movementOf('payment', payment, payment.amount, provider) }),
  };
}

/** Only payers cancel: a payment that the provider closes before the payer acted has failed. */
function changeBy({ status }: Payment, { reference: _reference, ...outcome }: DecidedOutcome): Change {
  if (outcome.to === 'canceled' && status === 'processing') return { to: 'failed', failureCode: 'canceled' };
  return outcome;
}

function settleRefund(
  before: Situation,
  refund: Refund,
  outcome: DecidedOutcome,
  provider: string,
  at: Date,
): Settlement {
  const status = outcome.to;
  if (status !== 'succeeded' && status !== 'failed') throw new Error(`A refund cannot become ${status}`);
  if (!canBecome(refund, status)) return before;
  const { amount } = refund;
  const wasPending = refund.status === 'pending';
  const after: Settlement = {
    ...before,
    refund: { ...refund, status },
    refundsPending: before.refundsPending - (wasPending ? amount : 0),
    ...(outcome.to === 'failed' && { failureCode: outcome.failureCode }),
  };
  if (status === 'succeeded') {
    const payment = applyRefund(before.payment, amount, at);
    return {
      ...after,
      payment,
      movement: movementOf('refund', payment, amount, provider),
      event: 'payment.refunded',
    };
  }
  if (wasPending) return after;
  const payment = applyRefund(before.payment, -amount, at);
  const movement = movementOf('refund-reversal', payment, amount, provider);
  return { ...after, payment, movement, event: 'payment.refund-failed' };
}
