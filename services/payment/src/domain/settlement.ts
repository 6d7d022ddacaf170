import type { Payment, Refund } from '@warren/payment-contract';
import { type Movement, movementOf } from './ledger.js';
import type { DecidedOutcome, Operation } from './operation.js';
import { applyChange, applyRefund, type Change, type PaymentEvent, statusEvents } from './payment-machine.js';
import { canBecome } from './refund.js';

/** The current state of what an operation is about. */
export interface Situation {
  payment: Payment;
  /** Only if the operation is a refund. */
  refund?: Refund;
  /** Sum of the refunds in progress, in the currency's minor unit. */
  refundsPending: number;
}

/** The state after the outcome, and what must be written and published. */
export interface Settlement extends Situation {
  failureCode?: string;
  /** What is written to the ledger. */
  movement?: Movement;
  /** The event to publish; undefined if the payment did not change. */
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
  // When it is asked again, a provider may report the same failure with another code.
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

/** A payment that the provider cancels while it is `processing` has failed, because its payer did not cancel it. */
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
