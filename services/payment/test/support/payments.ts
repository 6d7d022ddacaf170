import type { Payment } from '@warren/payment-contract';
import type { Operation } from '../../src/domain/operation.js';

export const payerId = '01900000-0000-7000-8000-00000000000a';
export const recipientId = '01900000-0000-7000-8000-00000000000b';
export const strangerId = '01900000-0000-7000-8000-00000000000c';

export function aPayment(overrides: Partial<Payment> = {}): Payment {
  return {
    id: '01900000-0000-7000-8000-000000000001',
    payerId,
    recipientId,
    amount: 1250,
    currency: 'EUR',
    amountRefunded: 0,
    status: 'processing',
    description: null,
    version: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...overrides,
  };
}

export function anOperation(overrides: Partial<Operation> = {}): Operation {
  return {
    id: '01900000-0000-7000-8000-000000000002',
    paymentId: '01900000-0000-7000-8000-000000000001',
    kind: 'charge',
    payerId,
    recipientId,
    amount: 1250,
    currency: 'EUR',
    paymentMethod: 'pm_card_visa',
    reference: null,
    paymentReference: null,
    attempts: 1,
    webhooks: 0,
    correlationId: 'test',
    createdAt: new Date(),
    ...overrides,
  };
}
