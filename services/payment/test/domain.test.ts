import { describe, expect, it } from '@jest/globals';
import type { PaymentStatus } from '@warren/payment-contract';
import fc from 'fast-check';
import { type MovementKind, movementOf } from '../src/domain/ledger.js';
import { checkPeople, newPayment } from '../src/domain/new-payment.js';
import { stateOf, viewFor } from '../src/domain/views.js';
import { aPayment, payerId, recipientId, strangerId } from './support/payments.js';

const payerOnly = {
  failureCode: 'card_declined',
  nextAction: { type: 'authenticate' },
  clientSecret: 'secret',
};

describe('a payment', () => {
  it.each<PaymentStatus>(['processing', 'requires_action', 'succeeded', 'failed', 'canceled'])(
    'in the status %s is shown to its payer, to its recipient only if it succeeded, and to nobody else',
    (status) => {
      const payment = aPayment({ status, ...payerOnly });
      expect(viewFor(payment, payerId)).toEqual(payment);
      expect(viewFor(payment, recipientId)).toEqual(
        status === 'succeeded' ? aPayment({ status }) : undefined,
      );
      expect(viewFor(payment, strangerId)).toBeUndefined();
    },
  );

  it('is sent to other services without its client secret', () => {
    const { nextAction: _action, clientSecret: _secret, ...rest } = aPayment(payerOnly);
    expect(stateOf(aPayment(payerOnly))).toEqual(rest);
  });
});

describe('a new payment', () => {
  const request = { recipientId, amount: 500, currency: 'JPY', paymentMethod: 'pm_card_visa' };
  const at = new Date('2026-01-01T00:00:00.000Z');

  it('starts as processing, in version 1', () => {
    const { id } = aPayment();
    expect(newPayment(id, payerId, request, at)).toEqual(aPayment({ amount: 500, currency: 'JPY' }));
    expect(newPayment(id, payerId, { ...request, description: 'tea' }, at).description).toBe('tea');
  });

  it('is refused if the payer is the recipient', () => {
    expect(() => newPayment('id', recipientId, request, at)).toThrow(
      expect.objectContaining({ code: 'self-payment' }),
    );
  });

  it.each([
    ['unknown-recipient', [{ id: payerId, deleted: false }]],
    ['recipient-gone', [{ id: recipientId, deleted: true }]],
    [
      'session-revoked',
      [
        { id: payerId, deleted: true },
        { id: recipientId, deleted: false },
      ],
    ],
  ])('is refused as %s', (code, people) => {
    expect(() => checkPeople(aPayment(), people)).toThrow(expect.objectContaining({ code }));
  });

  it('needs no copy of the payer, because their token is enough', () => {
    expect(() => checkPeople(aPayment(), [{ id: recipientId, deleted: false }])).not.toThrow();
  });
});

describe('a ledger movement', () => {
  const kind = fc.constantFrom<MovementKind>('payment', 'refund', 'refund-reversal');
  const amount = fc.integer({ min: 1, max: 999_999_999_999 });

  it('sums to zero in one currency, and its reversal undoes it', () => {
    fc.assert(
      fc.property(kind, amount, fc.constantFrom('EUR', 'JPY', 'KWD'), (which, moved, currency) => {
        const payment = aPayment({ currency, amount: moved });
        const { entries } = movementOf(which, payment, moved, 'sandbox');
        expect(entries.reduce((sum, entry) => sum + entry.amount, 0)).toBe(0);
        expect(new Set(entries.map((entry) => entry.currency))).toEqual(new Set([currency]));
        const opposite = movementOf(
          which === 'refund' ? 'refund-reversal' : 'refund',
          payment,
          moved,
          'sandbox',
        );
        const both = entries.map((entry, n) => [
          entry.account,
          entry.amount + (opposite.entries[n]?.amount ?? 0),
        ]);
        expect(both).toEqual(entries.map(({ account }) => [account, 0]));
      }),
    );
  });
});
