import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noticeRequest, securityAlert } from '@warren/notification-contract';
import { deletedEvent, encoded, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { completeCopies, paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create({ copies: 'missing' });
}, startTimeout);
afterAll(() => world.close());

const kindsOf = async (userId: string) => (await world.inbox(userId)).map(({ kind }) => kind).sort();

/** Makes all deferred events due now. */
async function makeDue(): Promise<void> {
  await world.client.deferredEvent.updateMany({ data: { dueAt: new Date() } });
}

describe('while the copy of users is still being built', () => {
  it('defers an event about an unknown person without an attempt, and handles it once the person is known', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    const event = paymentEvent('payment.succeeded', ada, grace);
    await world.bus.publish(event);
    await world.bus.publish(event);
    expect(await kindsOf(ada)).toEqual(['welcome']);
    expect(await world.client.deferredEvent.findMany()).toMatchObject([
      { id: event.id, people: [ada, grace] },
    ]);
    await world.bus.publish(userEvent('user.registered', grace, 1, { displayName: 'Grace' }));
    await makeDue();
    await eventually(async () => expect(await kindsOf(ada)).toEqual(['payment-sent', 'welcome']));
    expect(await kindsOf(grace)).toEqual(['payment-received', 'welcome']);
    expect(await world.counts(grace)).toEqual({ unread: 2, unseen: 2, version: 2 });
    expect(await world.client.deferredEvent.count()).toBe(0);
    expect(world.bus.deadLetters).toEqual([]);
  });

  it('notifies only the other person if the unknown one turns out to be deleted', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    await world.bus.publish(deletedEvent(grace, 2));
    await makeDue();
    await eventually(async () => expect(await kindsOf(ada)).toEqual(['payment-sent', 'welcome']));
    expect([await kindsOf(grace), await world.feed(grace)]).toEqual([[], []]);
  });

  it('handles each of many deferred events once with several instances', async () => {
    const second = await World.create({ database: world.database, copies: 'missing' });
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    const events = Array.from({ length: 150 }, () => paymentEvent('payment.succeeded', ada, grace));
    await Promise.all(events.map((event) => world.bus.publish(event)));
    await world.bus.publish(userEvent('user.registered', grace, 1));
    await makeDue();
    await eventually(async () => expect(await world.client.deferredEvent.count()).toBe(0), {
      within: 60_000,
    });
    expect(await world.counts(grace)).toEqual({ unread: 151, unseen: 151, version: 151 });
    await second.close();
  }, 90_000);
});

describe('a deferred event and an erasure', () => {
  const rows = (userId: string) =>
    world.client.deferredEvent.findMany({ where: { people: { has: userId } } });

  it('keeps no description, and notifies the other person without a name', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace, { description: 'our secret' }));
    expect(JSON.stringify(await rows(ada))).not.toContain('secret');
    await world.bus.publish(deletedEvent(ada, 3));
    expect(await rows(ada)).toHaveLength(1);
    await world.bus.publish(userEvent('user.registered', grace, 1));
    await makeDue();
    await eventually(async () => expect(await kindsOf(grace)).toEqual(['payment-received', 'welcome']));
    expect((await world.inbox(grace))[0]?.body).toBe('You received €12.50 from a deleted account.');
  });

  it('deletes an event that is about the deleted person alone', async () => {
    const ada = uuidv7();
    const data = noticeRequest(securityAlert, ada, {
      what: 'password-changed',
      at: '2026-01-01T00:00:00.000Z',
    });
    const event = encoded({ type: 'notification.requested', subject: ada, version: 1, data });
    const body = JSON.stringify({ ...JSON.parse(event.body), source: '/services/user' });
    await world.bus.publish({ ...event, body });
    expect(await rows(ada)).toHaveLength(1);
    await world.bus.publish(deletedEvent(ada, 1));
    expect(await rows(ada)).toEqual([]);
  });
});

describe('a deferred event', () => {
  /** An event that was deferred `days` ago. */
  async function deferredAs(type: string, people: string[], days = 0): Promise<string> {
    const { id, body } = paymentEvent('payment.succeeded', people[0] ?? '', people[1] ?? '');
    const event = { ...JSON.parse(body), type };
    // Without payer and recipient, the handler throws each time.
    if (type === 'payment.failed') event.data = {};
    await world.client.deferredEvent.create({
      data: { id, event, people, dueAt: new Date(), createdAt: new Date(Date.now() - days * 86_400_000) },
    });
    return id;
  }

  const exists = async (id: string) => (await world.client.deferredEvent.count({ where: { id } })) === 1;

  it('of an unknown type waits for a build that handles it', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const unknown = await deferredAs('payment.invented', [ada, grace]);
    const known = await deferredAs('payment.succeeded', [ada, grace]);
    await eventually(async () => expect(await exists(known)).toBe(false));
    const row = await world.client.deferredEvent.findUnique({ where: { id: unknown } });
    expect(row?.tries).toBe(0);
  });

  it('that fails is tried until it is too old; an unknown type is also given up then', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const young = await deferredAs('payment.failed', [ada, grace]);
    await eventually(async () =>
      expect((await world.client.deferredEvent.findUnique({ where: { id: young } }))?.tries).toBe(1),
    );
    const old = [
      await deferredAs('payment.failed', [ada, grace], 15),
      await deferredAs('payment.invented', [ada, grace], 15),
      await deferredAs('payment.succeeded', [ada, uuidv7()], 15),
    ];
    for (const id of old) await eventually(async () => expect(await exists(id)).toBe(false));
    expect(await exists(young)).toBe(true);
    expect(await kindsOf(ada)).toEqual(['welcome']);
    await world.client.deferredEvent.deleteMany();
  });
});

describe('once the copy of users is complete', () => {
  it('an event about an unknown person is retried, and becomes a dead letter if the person never comes', async () => {
    await completeCopies(world.client);
    const event = paymentEvent('payment.succeeded', await world.register('Ada'), uuidv7());
    await expect(world.bus.publish(event)).rejects.toThrow('retries-exhausted');
    expect(await world.client.deferredEvent.count()).toBe(0);
  });
});
