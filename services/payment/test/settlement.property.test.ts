import { describe, expect, it } from '@jest/globals';
import type { Payment, Refund } from '@warren/payment-contract';
import fc from 'fast-check';
import type { Entry, Movement } from '../src/domain/ledger.js';
import type { DecidedOutcome, Operation, OperationKind } from '../src/domain/operation.js';
import { newRefund } from '../src/domain/refund.js';
import { type Situation, settlementOf } from '../src/domain/settlement.js';
import { anOperation, aPayment } from './support/payments.js';

const at = new Date('2026-01-01T00:00:05.000Z');

const outcome: fc.Arbitrary<DecidedOutcome> = fc.oneof(
  fc.constant<DecidedOutcome>({ to: 'succeeded' }),
  fc.constant<DecidedOutcome>({ to: 'failed', failureCode: 'x' }),
);

/** Requests a refund, or settles one of the earlier refunds with an outcome. */
type Step = { ask: number | undefined } | { settle: number; outcome: DecidedOutcome };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ ask: fc.option(fc.integer({ min: 1, max: 1_500 }), { nil: undefined }) }),
  fc.record({ settle: fc.nat({ max: 9 }), outcome }),
);

function play(steps: readonly Step[]) {
  let payment: Payment = aPayment({ status: 'succeeded' });
  let refundsPending = 0;
  const refunds: Refund[] = [];
  const movements: Movement[] = [];
  for (const [n, each] of steps.entries()) {
    if ('ask' in each) {
      try {
        const refund = newRefund(
          `refund ${n}`,
          { payment, refundsPending, refundsMade: n, amount: each.ask, by: 'recipient' },
          at,
        );
        refundsPending += refund.amount;
        refunds.push(refund);
      } catch (error) {
        expect(error).toMatchObject({ code: 'refund-exceeds-payment' });
      }
      continue;
    }
    const refund = refunds[each.settle];
    if (refund === undefined) continue;
    const operation = anOperation({ kind: 'refund', amount: refund.amount });
    const after = settlementOf({ payment, refund, refundsPending }, operation, each.outcome, 'sandbox', at);
    ({ payment, refundsPending } = after);
    if (after.refund) refunds[each.settle] = after.refund;
    if (after.movement) movements.push(after.movement);
    expect(after.event === undefined).toBe(after.movement === undefined);
  }
  return { payment, refundsPending, refunds, movements };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
const inStatus = (refunds: readonly Refund[], status: string) =>
  sum(refunds.filter((refund) => refund.status === status).map(({ amount }) => amount));

function held(movements: readonly Movement[], of: (entry: Entry) => boolean): number {
  return sum(movements.flatMap(({ entries }) => entries.filter(of).map(({ amount }) => amount)));
}

describe('the refunds of a payment', () => {
  it('never exceed the paid amount, and payment, refunds and ledger agree, whatever their outcomes are', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { payment, refundsPending, refunds, movements } = play(steps);
        expect(payment.amountRefunded + refundsPending).toBeLessThanOrEqual(payment.amount);
        expect(payment.amountRefunded).toBe(inStatus(refunds, 'succeeded'));
        expect(refundsPending).toBe(inStatus(refunds, 'pending'));
        for (const { entries } of movements) expect(sum(entries.map(({ amount }) => amount))).toBe(0);
        expect(held(movements, ({ account }) => account === `person:${payment.recipientId}`)).toBe(
          0 - payment.amountRefunded,
        );
        expect(held(movements, ({ account }) => account === `person:${payment.payerId}`)).toBe(0);
        expect(payment.version).toBe(1 + movements.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the outcomes of operations on a payment', () => {
  const anyOutcome: fc.Arbitrary<DecidedOutcome> = fc.oneof(
    outcome,
    fc.constant<DecidedOutcome>({ to: 'canceled' }),
    fc.constant<DecidedOutcome>({ to: 'requires_action', nextAction: { type: 'x' } }),
  );
  const kind = fc.constantFrom<OperationKind>('charge', 'confirm', 'cancel');

  it('put the payment into the ledger once if it succeeded, and never otherwise', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, anyOutcome), { maxLength: 12 }), (answers) => {
        let situation: Situation = { payment: aPayment(), refundsPending: 0 };
        const movements: Movement[] = [];
        for (const [each, answer] of answers) {
          const operation: Operation = anOperation({ kind: each });
          try {
            const { movement, ...after } = settlementOf(situation, operation, answer, 'sandbox', at);
            if (movement) movements.push(movement);
            situation = after;
          } catch (error) {
            expect(error).toMatchObject({ code: 'wrong-state' });
          }
        }
        const paid = situation.payment.status === 'succeeded';
        expect(movements).toHaveLength(paid ? 1 : 0);
        expect(held(movements, ({ account }) => account === 'clearing:sandbox')).toBe(paid ? -1250 : 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('fail a payment that the provider cancels while it is processing', () => {
    const before = { payment: aPayment(), refundsPending: 0 };
    const { payment } = settlementOf(before, anOperation(), { to: 'canceled' }, 'sandbox', at);
    expect(payment).toMatchObject({ status: 'failed', failureCode: 'canceled' });
  });

  it('change nothing when they are repeated after such a failure', () => {
    const before: Situation = {
      payment: aPayment({ status: 'processing' }),
      refund: undefined,
      refundsPending: 0,
    };
    const once = settlementOf(before, anOperation(), { to: 'canceled' }, 'sandbox', at);
    const again = settlementOf(
      { ...before, payment: once.payment },
      anOperation(),
      { to: 'canceled' },
      'sandbox',
      at,
    );
    expect(again).toEqual({ ...before, payment: once.payment });
  });
});
