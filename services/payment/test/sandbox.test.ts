import { describe, expect, it } from '@jest/globals';
import type { Operation } from '../src/domain/operation.js';
import { sandboxProvider } from '../src/providers/sandbox.js';
import { payerId, recipientId } from './support/payments.js';

const signal = new AbortController().signal;

function operation(paymentMethod: string, changes: Partial<Operation> = {}): Operation {
  return {
    id: '01900000-0000-7000-8000-000000000002',
    paymentId: '01900000-0000-7000-8000-000000000001',
    kind: 'charge',
    paymentMethod,
    reference: null,
    paymentReference: null,
    payerId,
    recipientId,
    amount: 1250,
    currency: 'EUR',
    attempts: 1,
    correlationId: 'test',
    createdAt: new Date(),
    ...changes,
  };
}

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
  ])('%s comes out the same whoever asks, also a process that never charged it', async (method, outcome) => {
    expect(await sandboxProvider({ slowMs: 1 }).perform(operation(method), signal)).toEqual(outcome);
    expect(await sandboxProvider({ slowMs: 1 }).retrieve(operation(method), signal)).toEqual(outcome);
  });

  it('pm_card_slow is pending until its time has come', async () => {
    const young = operation('pm_card_slow');
    const old = operation('pm_card_slow', { createdAt: new Date(Date.now() - 60_000) });
    const provider = sandboxProvider({ slowMs: 30_000 });
    expect(await provider.retrieve(young, signal)).toEqual({ to: 'pending' });
    expect(await provider.retrieve(old, signal)).toEqual({ to: 'succeeded' });
    expect(await provider.perform(old, signal)).toEqual({ to: 'succeeded' });
  });

  it('a slow charge ends when it is cut off', async () => {
    const cut = new AbortController();
    const charge = sandboxProvider({ slowMs: 30_000 }).perform(operation('pm_card_slow'), cut.signal);
    cut.abort();
    await expect(charge).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it.each(['pm_card_unheard', 'toString', '__proto__', ''])('knows no method %j', (method) => {
    expect(sandboxProvider({ slowMs: 1 }).accepts(method)).toBe(false);
  });
});
