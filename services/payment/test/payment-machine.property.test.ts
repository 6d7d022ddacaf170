import { describe, expect, it } from '@jest/globals';
import type { Payment, PaymentStatus } from '@warren/payment-contract';
import fc from 'fast-check';
import { applyChange, type Change } from '../src/domain/payment-machine.js';
import { aPayment } from './support/payments.js';

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>({ to: 'processing' }),
  fc.constant<Change>({ to: 'succeeded' }),
  fc.constant<Change>({ to: 'canceled' }),
  fc.string().map((failureCode): Change => ({ to: 'failed', failureCode })),
  fc
    .string()
    .map((type): Change => ({ to: 'requires_action', nextAction: { type }, clientSecret: 'secret' })),
);

const ends: readonly PaymentStatus[] = ['succeeded', 'failed', 'canceled'];

/** The payment after the change, or the same payment if the change is refused. */
function attempt(payment: Payment, next: Change, at: Date): Payment {
  try {
    return applyChange(payment, next, at);
  } catch (error) {
    expect(error).toMatchObject({ code: 'wrong-state' });
    return payment;
  }
}

describe('a payment', () => {
  it('ends once, counts each change in its version and keeps its amount, whatever happens to it', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const start = aPayment();
        let payment = start;
        let taken = 0;
        for (const [index, next] of changes.entries()) {
          const after = attempt(payment, next, new Date(index));
          if (after !== payment) {
            taken += 1;
            expect(ends).not.toContain(payment.status);
            expect(after.status).toBe(next.to);
          }
          payment = after;
        }
        expect(payment.version).toBe(start.version + taken);
        const { amount, currency, payerId, recipientId, amountRefunded } = start;
        expect(payment).toMatchObject({ amount, currency, payerId, recipientId, amountRefunded });
        expect('failureCode' in payment).toBe(payment.status === 'failed');
        expect('nextAction' in payment).toBe(payment.status === 'requires_action');
      }),
      { numRuns: 1_000 },
    );
  });
});
