import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { reopenOperation } from '../src/store/webhook-events.js';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

const provider = new FakeProvider();
let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ provider, durations: { sweepEveryMs: 20 } });
}, startTimeout);
afterAll(() => world.close());
beforeEach(() => {
  provider.afterMove = async () => undefined;
  provider.asked.length = 0;
});

const reopen = (operationId: string, reference = 'told') =>
  service.uow.run((tx) => reopenOperation(tx, { operationId, reference }));
const refundOf = (paymentId: string) => service.client.refund.findFirstOrThrow({ where: { paymentId } });
const openOf = (paymentId: string) =>
  service.client.operation.count({ where: { paymentId, settledAt: null } });

async function paid() {
  const [payer, recipient] = await world.people();
  const { body } = await service.pay(payer, recipient);
  return { recipient, payment: body };
}

describe('a webhook', () => {
  it('that arrives while the service asks the provider makes it ask again', async () => {
    const { recipient, payment } = await paid();
    provider.afterMove = async () => {
      const { id } = await refundOf(payment.id);
      // The provider answered `succeeded`, and then changes the outcome.
      provider.done.set(id, { to: 'failed', failureCode: 'lost_or_stolen_card' });
      expect(await reopen(id)).toMatchObject({ id: payment.id });
    };
    expect((await service.refund(recipient, payment.id)).body.status).toBe('succeeded');
    await eventually(async () => expect((await refundOf(payment.id)).status).toBe('failed'));
    expect(await openOf(payment.id)).toBe(0);
    expect(provider.asked).toEqual([payment.id]);
    expect(await service.balance(recipient)).toBe(1250);
  });

  it('about an operation with a final outcome makes nobody ask the provider', async () => {
    const { payment } = await paid();
    const { id } = await service.client.operation.findFirstOrThrow({ where: { paymentId: payment.id } });
    await service.client.operation.update({ where: { id }, data: { reference: 'pi_1' } });
    expect(await reopen(id)).toEqual({ id: payment.id, status: 'succeeded' });
    expect(await openOf(payment.id)).toBe(0);
  });

  it('gives the reference of an operation whose answer was lost', async () => {
    const { recipient, payment } = await paid();
    const seen: unknown[] = [];
    provider.afterMove = async () => {
      const { id } = await refundOf(payment.id);
      for (const reference of ['re_told', 're_other']) await reopen(id, reference);
      seen.push((await service.client.operation.findUniqueOrThrow({ where: { id } })).reference);
    };
    await service.refund(recipient, payment.id);
    expect(seen).toEqual(['re_told']);
  });

  it('about an unknown operation is recognized as such', async () => {
    expect(await reopen(uuidv7())).toBeUndefined();
  });
});
