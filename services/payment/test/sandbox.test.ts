import { describe, expect, it } from '@jest/globals';
import type { Operation, OperationKind } from '../src/domain/operation.js';
import { sandboxProvider } from '../src/providers/sandbox.js';
import { anOperation } from './support/payments.js';

const signal = new AbortController().signal;

const operation = (paymentMethod: string | null, changes: Partial<Operation> = {}) =>
  anOperation({ paymentMethod, ...changes });

describe('the sandbox', () => {
  it.each([
    ['pm_card_visa', { to: 'succeeded' }],
    ['pm_card_chargeDeclined', { to: 'failed', failureCode: 'card_declined' }],
    [
      'pm_card_authenticationRequired',
      {
        to: 'requires_action',
        nextAction: { type: 'sandbox_authenticate' },
        clientSecret: 'sandbox_secret_01900000-0000-7000-8000-000000000002',
      },
    ],
  ])(
    'gives the same outcome for %s to every process, even to one that did not charge it',
    async (method, outcome) => {
      expect(await sandboxProvider({ slowMs: 1 }).perform(operation(method), signal)).toEqual(outcome);
      expect(await sandboxProvider({ slowMs: 1 }).retrieve(operation(method), signal)).toEqual(outcome);
    },
  );

  it.each<[OperationKind, string | null, unknown]>([
    ['confirm', 'pm_card_authenticationRequired', { to: 'succeeded' }],
    [
      'confirm',
      'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
      { to: 'failed', failureCode: 'card_declined' },
    ],
    ['cancel', 'pm_card_authenticationRequired', { to: 'canceled' }],
    ['refund', 'pm_card_visa', { to: 'succeeded' }],
    ['refund', 'pm_card_refundFail', { to: 'failed', failureCode: 'expired_or_canceled_card' }],
    ['refund', null, { to: 'succeeded' }],
  ])('gives the same outcome for a %s with %s to every process', async (kind, method, outcome) => {
    const provider = sandboxProvider({ slowMs: 1 });
    expect(await provider.perform(operation(method, { kind }), signal)).toEqual(outcome);
    expect(await provider.retrieve(operation(method, { kind }), signal)).toEqual(outcome);
  });

  it('keeps pm_card_slow pending until its time is over', async () => {
    const young = operation('pm_card_slow');
    const old = operation('pm_card_slow', { createdAt: new Date(Date.now() - 60_000) });
    const provider = sandboxProvider({ slowMs: 30_000 });
    expect(await provider.retrieve(young, signal)).toEqual({ to: 'pending' });
    expect(await provider.retrieve(old, signal)).toEqual({ to: 'succeeded' });
    expect(await provider.perform(old, signal)).toEqual({ to: 'succeeded' });
  });

  it('ends a slow charge when the call is aborted', async () => {
    const cut = new AbortController();
    const charge = sandboxProvider({ slowMs: 30_000 }).perform(operation('pm_card_slow'), cut.signal);
    cut.abort();
    await expect(charge).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it.each(['pm_card_unheard', 'toString', '__proto__', ''])('accepts no method %j', (method) => {
    expect(sandboxProvider({ slowMs: 1 }).accepts(method)).toBe(false);
  });
});
