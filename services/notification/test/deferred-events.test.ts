import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { completeCopies, paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create({ copies: 'missing' });
}, startTimeout);
afterAll(() => world.close());

const told = async (userId: string) => (await world.inbox(userId)).map(({ kind }) => kind).sort();

/** As time would. */
async function hurry(): Promise<void> {
  await world.client.deferredEvent.updateMany({ data: { dueAt: new Date() } });
}

describe('while the copy of users is still being built', () => {
  it('an event about somebody unknown takes no attempt, and is told once they are known', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    const event = paymentEvent('payment.succeeded', ada, grace);
    await world.bus.publish(event);
    await world.bus.publish(event);
    expect(await told(ada)).toEqual(['welcome']);
    expect(await world.client.deferredEvent.findMany()).toMatchObject([
      { id: event.id, people: [ada, grace] },
    ]);
    await world.bus.publish(userEvent('user.registered', grace, 1, { displayName: 'Grace' }));
    await hurry();
    await eventually(async () => expect(await told(ada)).toEqual(['payment-sent', 'welcome']));
    expect(await told(grace)).toEqual(['payment-received', 'welcome']);
    expect(await world.counts(grace)).toEqual({ unread: 2, unseen: 2, version: 2 });
    expect(await world.client.deferredEvent.count()).toBe(0);
    expect(world.bus.deadLetters).toEqual([]);
  });

  it('somebody who turns out to be deleted is told nothing, the other one is', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    await world.bus.publish(deletedEvent(grace, 2));
    await hurry();
    await eventually(async () => expect(await told(ada)).toEqual(['payment-sent', 'welcome']));
    expect([await told(grace), await world.feed(grace)]).toEqual([[], []]);
  });

  it('many are told once each, by several instances', async () => {
    const second = await World.create({ database: world.database, copies: 'missing' });
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    const events = Array.from({ length: 150 }, () => paymentEvent('payment.succeeded', ada, grace));
    await Promise.all(events.map((event) => world.bus.publish(event)));
    await world.bus.publish(userEvent('user.registered', grace, 1));
    await hurry();
    await eventually(async () => expect(await world.client.deferredEvent.count()).toBe(0), {
      within: 20_000,
    });
    expect(await world.counts(grace)).toEqual({ unread: 151, unseen: 151, version: 151 });
    await second.close();
  }, 40_000);
});

describe('once the copy of users was whole', () => {
  it('an unknown person is on their way: the event is retried, and dead if they never come', async () => {
    await completeCopies(world.client);
    const event = paymentEvent('payment.succeeded', await world.register('Ada'), uuidv7());
    await expect(world.bus.publish(event)).rejects.toThrow('retries-exhausted');
    expect(await world.client.deferredEvent.count()).toBe(0);
  });
});
