import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Payment } from '@warren/payment-contract';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { createAct } from '../src/operations/act.js';
import { createRefund } from '../src/operations/refund.js';
import {
  type CrashPoint,
  crashAfterCall,
  crashBeforeCall,
  crashingParts,
  workingParts,
} from './support/crashing.js';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

const kinds = ['confirm', 'cancel', 'refund'] as const;
type Kind = (typeof kinds)[number];

const ends: Readonly<Record<Kind, { status: string; amountRefunded: number; movements: number }>> = {
  confirm: { status: 'succeeded', amountRefunded: 0, movements: 1 },
  cancel: { status: 'canceled', amountRefunded: 0, movements: 0 },
  refund: { status: 'succeeded', amountRefunded: 500, movements: 2 },
};

const provider = new FakeProvider();
let world: World;
let observer: Instance;
beforeAll(async () => {
  world = await World.create();
  observer = await world.start({ provider, durations: { sweepEveryMs: 3_600_000 } });
}, startTimeout);
afterAll(() => world.close());
beforeEach(() => {
  provider.asked.length = 0;
});

/** Performs the operation in a process that crashes at `crashPoint`. */
async function crash(kind: Kind, leaseMs: number, crashPoint: CrashPoint) {
  const [payerId, recipientId] = await world.people();
  provider.outcomes.charge =
    kind === 'refund' ? { to: 'succeeded' } : { to: 'requires_action', nextAction: { type: 'x' } };
  const payment = (await observer.pay(payerId, recipientId)).body as Payment;
  const before = provider.moves;
  const idempotencyKey = uuidv7();
  const parts = crashingParts(observer, provider, { leaseMs, crashPoint });
  const cause = { correlationId: 'first' };
  const paymentId = payment.id;
  const asker = { userId: recipientId, roles: [] };
  if (kind === 'refund') await createRefund(parts)({ asker, paymentId, amount: 500, idempotencyKey, cause });
  else await createAct(parts)({ kind, paymentId, payerId, commandId: idempotencyKey, cause });
  return { payment, payerId, recipientId, idempotencyKey, moved: () => provider.moves - before };
}

const operationOf = (paymentId: string, kind: Kind) =>
  observer.client.operation.findFirstOrThrow({ where: { paymentId, kind } });

async function expectSettledOnce(kind: Kind, { id: paymentId }: Payment): Promise<void> {
  await eventually(async () => expect((await operationOf(paymentId, kind)).settledAt).not.toBeNull());
  const row = await observer.client.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const movements = await observer.client.ledgerMovement.count({ where: { paymentId } });
  const { status, amountRefunded, refundsPending } = row;
  expect({ status, amountRefunded: Number(amountRefunded), movements }).toEqual(ends[kind]);
  expect(refundsPending).toBe(0n);
}

describe.each(kinds)('a crash during a %s', (kind) => {
  describe.each([
    ['between reserving it and calling the provider', crashBeforeCall, 0],
    ['between calling the provider and settling it', crashAfterCall, 1],
  ] as const)('%s', (_, crashPoint, movedBefore) => {
    it('hazard: leaves the operation open, and nobody knows whether it was done', async () => {
      const { payment, moved } = await crash(kind, 3_600_000, crashPoint);
      expect(moved()).toBe(movedBefore);
      expect(await operationOf(payment.id, kind)).toMatchObject({ settledAt: null, correlationId: 'first' });
    });

    it('is repaired by sweepers, which ask the provider first, perform the operation once and settle it once', async () => {
      const { payment, moved } = await crash(kind, 0, crashPoint);
      const sweeping = { provider, durations: { sweepEveryMs: 20 } };
      const instances = await Promise.all([world.start(sweeping), world.start(sweeping)]);
      try {
        await expectSettledOnce(kind, payment);
        expect(moved()).toBe(1);
        expect(provider.asked).toEqual([payment.id]);
      } finally {
        await Promise.all(instances.map(({ service }) => service.stop()));
      }
    });

    it('is repaired by a repeat with the same key, which continues the operation', async () => {
      const { payment, payerId, recipientId, idempotencyKey, moved } = await crash(kind, 0, crashPoint);
      const again = workingParts(observer, provider);
      const cause = { correlationId: 'second' };
      if (kind === 'refund') {
        const asker = { userId: recipientId, roles: [] };
        const request = { asker, paymentId: payment.id, amount: 500, idempotencyKey, cause };
        expect((await createRefund(again)(request)).status).toBe('succeeded');
      } else {
        const request = { kind, paymentId: payment.id, payerId, commandId: idempotencyKey, cause };
        expect((await createAct(again)(request)).status).toBe(ends[kind].status);
      }
      await expectSettledOnce(kind, payment);
      expect(moved()).toBe(1);
    });
  });

  it('blocks conflicting operations until the outcome is known', async () => {
    const { payment, payerId, recipientId } = await crash(kind, 3_600_000, crashBeforeCall);
    if (kind === 'refund') {
      const over = await observer.refund(recipientId, payment.id, { amount: 751 });
      expect(over.body.code).toBe('refund-exceeds-payment');
      return;
    }
    for (const what of ['confirm', 'cancel']) {
      const { status, body } = await observer.http(payerId, 'POST', `/payments/${payment.id}/${what}`);
      expect([status, body.code]).toEqual([409, kind === 'confirm' ? 'wrong-state' : 'request-in-progress']);
    }
  });
});
