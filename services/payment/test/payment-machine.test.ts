import { describe, expect, it } from '@jest/globals';
import type { Payment, PaymentStatus } from '@warren/payment-contract';
import { applyChange, applyRefund, type Change } from '../src/domain/payment-machine.js';
import { aPayment } from './support/payments.js';

const changes: Readonly<Record<PaymentStatus, Change>> = {
  processing: { to: 'processing' },
  requires_action: { to: 'requires_action', nextAction: { type: 'authenticate' }, clientSecret: 'secret' },
  succeeded: { to: 'succeeded' },
  failed: { to: 'failed', failureCode: 'card_declined' },
  canceled: { to: 'canceled' },
};
const statuses = Object.keys(changes) as PaymentStatus[];
const later = new Date('2026-01-01T00:00:05.000Z');

// The transitions of docs/payments.md: from, to. All others must be refused.
const allowed = [
  'processing requires_action',
  'processing succeeded',
  'processing failed',
  'requires_action processing',
  'requires_action succeeded',
  'requires_action failed',
  'requires_action canceled',
];

const everyPair = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));
const isAllowed = ([from, to]: readonly [PaymentStatus, PaymentStatus]) => allowed.includes(`${from} ${to}`);

describe('the payment machine', () => {
  it.each(everyPair.filter(isAllowed))('goes from %s to %s', (from, to) => {
    const before = aPayment({ status: from, version: 3 });
    const after = applyChange(before, changes[to], later);
    expect(after).toMatchObject({ status: to, version: 4, updatedAt: later.toISOString() });
    expect(after.createdAt).toBe(before.createdAt);
  });

  it.each(everyPair.filter((pair) => !isAllowed(pair)))('refuses to go from %s to %s', (from, to) => {
    const before = aPayment({ status: from });
    expect(() => applyChange(before, changes[to], later)).toThrow(
      expect.objectContaining({ code: 'wrong-state' }),
    );
  });

  it('is tested for every pair of statuses', () => {
    expect(everyPair).toHaveLength(25);
    expect(everyPair.filter(isAllowed)).toHaveLength(allowed.length);
  });

  it('adds the fields of the new status', () => {
    const start = aPayment();
    expect(applyChange(start, changes.failed, later)).toMatchObject({ failureCode: 'card_declined' });
    expect(applyChange(start, changes.requires_action, later)).toMatchObject({
      nextAction: { type: 'authenticate' },
      clientSecret: 'secret',
    });
  });

  it('removes the fields of the old status', () => {
    const waiting = applyChange(aPayment(), changes.requires_action, later);
    const succeeded = applyChange(waiting, changes.succeeded, later);
    expect(Object.keys(succeeded)).not.toEqual(expect.arrayContaining(['nextAction']));
    expect(Object.keys(succeeded)).not.toEqual(expect.arrayContaining(['clientSecret']));
  });

  it.each(statuses)('allows refunds only of payments that succeeded: %s', (status) => {
    const before = aPayment({ status, amountRefunded: status === 'succeeded' ? 250 : 0 });
    if (status !== 'succeeded') {
      expect(() => applyRefund(before, 1, later)).toThrow(expect.objectContaining({ code: 'wrong-state' }));
      return;
    }
    const { version, updatedAt } = applyRefund(before, 1000, later);
    expect([version, updatedAt]).toEqual([2, later.toISOString()]);
    expect(applyRefund(before, 1000, later)).toMatchObject({ status: 'succeeded', amountRefunded: 1250 });
    expect(applyRefund(before, -250, later)).toMatchObject({ status: 'succeeded', amountRefunded: 0 });
    for (const amount of [1001, -251]) {
      expect(() => applyRefund(before, amount, later)).toThrow(
        expect.objectContaining({ code: 'refund-exceeds-payment' }),
      );
    }
  });

  it('changes neither the payment that it was given nor unrelated fields', () => {
    const before = Object.freeze(aPayment({ description: 'rent' })) as Payment;
    const { status: _s, version: _v, updatedAt: _u, ...kept } = before;
    expect(applyChange(before, changes.succeeded, later)).toMatchObject(kept);
  });
});
