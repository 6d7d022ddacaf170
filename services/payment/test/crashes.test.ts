import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Payment } from '@warren/payment-contract';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { createPay } from '../src/operations/pay.js';
import { type CrashPoint, crashAfterCall, crashBeforeCall, crashingParts } from './support/crashing.js';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

const forever = () => new Promise<never>(() => undefined);

let world: World;
let observer: Instance;
beforeAll(async () => {
  world = await World.create();
  // Shares its database with the crashing processes, and sweeps too rarely to interfere.
  observer = await world.start({ durations: { sweepEveryMs: 3_600_000 } });
}, startTimeout);
afterAll(() => world.close());

let provider: FakeProvider;
beforeEach(() => {
  provider = new FakeProvider();
});

/** Pays in a process that crashes at `crashPoint`. */
async function payAndCrash(leaseMs: number, crashPoint: CrashPoint) {
  const [payerId, recipientId] = await world.people();
  const pay = createPay(crashingParts(observer, provider, { leaseMs, crashPoint }));
  const request = { recipientId, amount: 1250, currency: 'EUR', paymentMethod: 'pm_card_visa' };
  const idempotencyKey = uuidv7();
  const payment = await pay({ payerId, idempotencyKey, request, cause: { correlationId: 'first' } });
  expect(payment.status).toBe('processing');
  return { payment, payerId, recipientId, idempotencyKey };
}

async function statusOf({ id }: Payment): Promise<string> {
  return (await observer.client.payment.findUniqueOrThrow({ where: { id } })).status;
}

const expectSettled = (payment: Payment) =>
  eventually(async () => expect(await statusOf(payment)).toBe('succeeded'));

async function expectSettledOnce(payment: Payment): Promise<void> {
  await eventually(async () => {
    const row = await observer.client.payment.findUniqueOrThrow({ where: { id: payment.id } });
    expect([row.status, row.version]).toEqual(['succeeded', 2]);
  });
  expect(provider.moves).toBe(1);
  const feeds = [await observer.feed(payment.payerId), await observer.feed(payment.recipientId)];
  expect(feeds.map((feed) => feed.map(({ data }) => data.status))).toEqual([
    ['processing', 'succeeded'],
    ['succeeded'],
  ]);
  const open = await observer.client.operation.count({ where: { paymentId: payment.id, settledAt: null } });
  expect(open).toBe(0);
}

describe.each([
  ['between reserving a charge and calling the provider', crashBeforeCall, 0],
  ['between calling the provider and settling the charge', crashAfterCall, 1],
])('a crash %s', (_, crashPoint, movedBefore) => {
  it('hazard: leaves the payment open, and nobody knows whether money moved', async () => {
    const { payment } = await payAndCrash(3_600_000, crashPoint);
    expect(provider.moves).toBe(movedBefore);
    const [operation] = await observer.client.operation.findMany({ where: { paymentId: payment.id } });
    expect(operation).toMatchObject({ settledAt: null, attempts: 1, correlationId: 'first' });
  });

  it('is repaired by sweepers, which ask the provider first, charge once and settle once', async () => {
    const { payment } = await payAndCrash(0, crashPoint);
    const sweeping = { provider, durations: { sweepEveryMs: 20 } };
    const instances = await Promise.all([world.start(sweeping), world.start(sweeping)]);
    try {
      await expectSettledOnce(payment);
      expect(provider.asked).toEqual([payment.id]);
    } finally {
      await Promise.all(instances.map(({ service }) => service.stop()));
    }
  });

  it('makes only one sweeper ask the provider, however long the answer takes', async () => {
    const { payment } = await payAndCrash(0, crashPoint);
    let answer: () => void = () => undefined;
    const answering = new Promise<void>((resolve) => {
      answer = resolve;
    });
    provider.beforeAnswering = ({ paymentId }) => (paymentId === payment.id ? answering : Promise.resolve());
    const sweeping = { provider, durations: { sweepEveryMs: 20 } };
    const instances = await Promise.all([world.start(sweeping), world.start(sweeping)]);
    try {
      await eventually(() => expect(provider.asked).toEqual([payment.id]));
      // The sweeper that settles this payment has seen both.
      const other = await payAndCrash(0, crashBeforeCall);
      await eventually(async () => expect(await statusOf(other.payment)).toBe('succeeded'));
      expect(provider.asked).toEqual([payment.id, other.payment.id]);
      answer();
      await eventually(async () => expect(await statusOf(payment)).toBe('succeeded'));
      expect(provider.moves).toBe(2);
    } finally {
      answer();
      await Promise.all(instances.map(({ service }) => service.stop()));
    }
  });

  it('is repaired by a repeat with the same key, which continues the payment', async () => {
    const { payment, payerId, recipientId, idempotencyKey } = await payAndCrash(0, crashPoint);
    const instance = await world.start({ provider, durations: { sweepEveryMs: 3_600_000 } });
    try {
      const { status, body } = await instance.pay(payerId, recipientId, {}, idempotencyKey);
      expect([status, body.id]).toEqual([201, payment.id]);
      await expectSettledOnce(payment);
    } finally {
      await instance.service.stop();
    }
  });

  it('leaves the operation to the instance that holds its lease until the lease expires', async () => {
    const { payment, payerId, recipientId, idempotencyKey } = await payAndCrash(3_600_000, crashPoint);
    const instance = await world.start({ provider, durations: { sweepEveryMs: 20 } });
    try {
      // The sweeper that settles a later payment without a lease has seen both.
      const other = await payAndCrash(0, crashBeforeCall);
      await eventually(async () => expect(await statusOf(other.payment)).toBe('succeeded'));
      const { status, body } = await instance.pay(payerId, recipientId, {}, idempotencyKey);
      expect([status, body.id, body.status]).toEqual([201, payment.id, 'processing']);
    } finally {
      await instance.service.stop();
    }
  });
});

describe('a provider', () => {
  it.each([
    ['that fails before the money moved', 'beforeMove'],
    ['that fails after the money moved', 'afterMove'],
  ] as const)(
    '%s is asked again later and charges once; until then the payment is processing',
    async (_, when) => {
      const [payerId, recipientId] = await world.people();
      let failures = 0;
      provider[when] = async () => {
        failures += 1;
        if (failures === 1) throw new Error('The connection to the provider was lost');
      };
      const instance = await world.start({ provider, durations: { sweepEveryMs: 20 } });
      try {
        const { status, body } = await instance.pay(payerId, recipientId);
        expect([status, body.status]).toEqual([201, 'processing']);
        await expectSettledOnce(body);
      } finally {
        await instance.service.stop();
      }
    },
  );

  it('that answers slowly about one operation delays no other operation, not even in the same sweeper', async () => {
    const held = await payAndCrash(0, crashBeforeCall);
    let answer: () => void = () => undefined;
    const answering = new Promise<void>((resolve) => {
      answer = resolve;
    });
    provider.beforeAnswering = ({ paymentId }) =>
      paymentId === held.payment.id ? answering : Promise.resolve();
    const instance = await world.start({ provider, durations: { sweepEveryMs: 20 } });
    try {
      await eventually(() => expect(provider.asked).toEqual([held.payment.id]));
      const others = [await payAndCrash(0, crashBeforeCall), await payAndCrash(0, crashAfterCall)];
      for (const { payment } of others) await expectSettled(payment);
      expect(await statusOf(held.payment)).toBe('processing');
      answer();
      await expectSettled(held.payment);
    } finally {
      answer();
      await instance.service.stop();
    }
  });

  it('that never answers is given up and does not delay a stop', async () => {
    const [payerId, recipientId] = await world.people();
    provider.afterMove = forever;
    const durations = { answerWithinMs: 100, providerTimeoutMs: 60_000, sweepEveryMs: 20 };
    const instance = await world.start({ provider, durations });
    const { body } = await instance.pay(payerId, recipientId);
    expect(body.status).toBe('processing');
    await instance.service.stop();

    provider.afterMove = async () => undefined;
    const next = await world.start({ provider, durations });
    try {
      await expectSettledOnce(body);
    } finally {
      await next.service.stop();
    }
  });
});
