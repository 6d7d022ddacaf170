import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deletedEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
const provider = new FakeProvider();
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ provider });
}, startTimeout);
afterAll(() => world.close());
beforeEach(() => {
  provider.beforeMove = async () => undefined;
});

const described = { description: 'between us' };

const methodsOf = async (paymentId: string) =>
  (await service.client.operation.findMany({ where: { paymentId, kind: 'charge' } })).map(
    ({ paymentMethod }) => paymentMethod,
  );

describe('a person who is deleted', () => {
  it('takes along what they wrote and paid with; payments, refunds and books stay', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace, { description: 'for the flowers' });
    const { body: received } = await service.pay(grace, ada, { description: 'for the cake' });
    await service.refund(grace, paid.id, { amount: 50 });
    const balances = [await service.balance(ada), await service.balance(grace)];
    await world.bus.publish(deletedEvent(ada, 2));

    const { body } = await service.http(grace, 'GET', `/payments/${paid.id}`);
    expect(body).toEqual({
      ...paid,
      description: null,
      amountRefunded: 50,
      version: 4,
      updatedAt: expect.any(String),
    });
    expect(await methodsOf(paid.id)).toEqual([null]);
    expect((await service.http(grace, 'GET', `/payments/${received.id}`)).body.description).toBe(
      'for the cake',
    );
    expect(await methodsOf(received.id)).toEqual(['pm_card_visa']);
    expect([await service.balance(ada), await service.balance(grace)]).toEqual(balances);
  });

  it('still gets their money back, but no feed entry', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace);
    await world.bus.publish(deletedEvent(ada, 2));
    const told = (await service.feed(ada)).length;
    expect((await service.refund(grace, paid.id)).body.status).toBe('succeeded');
    expect(await service.feed(ada)).toHaveLength(told);
    expect((await service.feed(grace)).at(-1)?.data.amountRefunded).toBe(1250);
  });

  it('while their payment is under way takes the method along once it is settled', async () => {
    const [ada, grace] = await world.people();
    let charging: () => void = () => undefined;
    let goOn: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      charging = resolve;
    });
    provider.beforeMove = () => {
      charging();
      return new Promise((resolve) => {
        goOn = resolve;
      });
    };
    const answer = service.pay(ada, grace, { description: 'in a hurry' });
    await reached;
    await world.bus.publish(deletedEvent(ada, 2));
    const open = await service.client.payment.findFirstOrThrow({ where: { payerId: ada } });
    expect([open.description, ...(await methodsOf(open.id))]).toEqual([null, 'pm_card_visa']);
    goOn();
    expect((await answer).body.status).toBe('succeeded');
    await eventually(async () => expect(await methodsOf(open.id)).toEqual([null]));
    expect((await service.feed(grace)).at(-1)?.data.description).toBeNull();
  });

  it('while they pay and confirm in all directions leaves nothing behind, whatever comes first', async () => {
    const [ada, grace] = await world.people();
    provider.outcomes.charge = { to: 'requires_action', nextAction: { type: 'x' } };
    const waiting = await Promise.all(Array.from({ length: 10 }, () => service.pay(ada, grace, described)));
    provider.outcomes.charge = { to: 'succeeded' };
    const [, ...answers] = await Promise.all([
      world.bus.publish(deletedEvent(ada, 2)),
      ...waiting.map(({ body }) => service.http(ada, 'POST', `/payments/${body.id}/confirm`)),
      ...Array.from({ length: 20 }, () => service.pay(ada, grace, described)),
    ]);
    expect(answers.filter(({ status }) => ![200, 201, 401].includes(status))).toEqual([]);
    await eventually(async () => {
      const left = await service.client.payment.findMany({
        where: { payerId: ada },
        include: { operations: true },
      });
      expect(left.length).toBeGreaterThanOrEqual(10);
      const operations = left.flatMap((payment) => payment.operations);
      expect(left.filter(({ description }) => description !== null)).toEqual([]);
      expect(operations.filter((each) => each.paymentMethod !== null || each.settledAt === null)).toEqual([]);
    });
  });

  it('may be deleted again and again: nothing changes any more', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace, { description: 'once' });
    for (const version of [2, 2, 3]) await world.bus.publish(deletedEvent(ada, version));
    expect((await service.http(grace, 'GET', `/payments/${paid.id}`)).body.version).toBe(3);
  });
});
