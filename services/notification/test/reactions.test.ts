import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { listenTo, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
let heard: DomainEvent[];
beforeAll(async () => {
  world = await World.create();
  heard = await listenTo(world.bus, ['notification.created']);
}, startTimeout);
afterAll(() => world.close());

const textsOf = async (userId: string) => (await world.inbox(userId)).map(({ kind, body }) => [kind, body]);

describe('events of other services', () => {
  it('welcome a person who registers', async () => {
    const ada = await world.register('Ada');
    expect(await textsOf(ada)).toEqual([['welcome', 'Hello Ada, your account is ready.']]);
  });

  it('notify payer and recipient of a payment, with the name of the other and the amount in the reader’s format', async () => {
    const [ada, grace] = [await world.register('Ada', { locale: 'de-DE' }), await world.register('Grace')];
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    expect((await textsOf(ada))[0]).toEqual(['payment-sent', 'Du hast 12,50\u00a0€ an Grace gezahlt.']);
    expect((await textsOf(grace))[0]).toEqual(['payment-received', 'You received €12.50 from Ada.']);
  });

  it('notify the payer of a refund, with everything that was refunded so far', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(paymentEvent('payment.refunded', ada, grace, { amountRefunded: 500 }));
    expect((await textsOf(ada))[0]).toEqual([
      'payment-refunded',
      'Of your payment of €12.50 to Grace, €5.00 came back to you.',
    ]);
    expect(await textsOf(grace)).toHaveLength(1);
  });

  it('notify the payer of a refund that fails later, with the amount that stays refunded', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(paymentEvent('payment.refunded', ada, grace, { amountRefunded: 500 }));
    await world.bus.publish(paymentEvent('payment.refund-failed', ada, grace, { amountRefunded: 0 }));
    expect((await textsOf(ada)).slice(0, 2)).toEqual([
      [
        'payment-refund-failed',
        'A refund of your payment of €12.50 to Grace failed after all. Refunded to you remains €0.00.',
      ],
      ['payment-refunded', 'Of your payment of €12.50 to Grace, €5.00 came back to you.'],
    ]);
    expect(await textsOf(grace)).toHaveLength(1);
  });

  it.each([
    ['payment.failed', 'payment-failed'],
    ['payment.requires-action', 'payment-action-required'],
  ] as const)('%s notifies the payer only', async (type, kind) => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(paymentEvent(type, ada, grace));
    expect((await textsOf(ada)).map(([first]) => first)).toEqual([kind, 'welcome']);
    expect(await textsOf(grace)).toHaveLength(1);
  });

  it('show a changed name in the next notification, and not an older name that comes late', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(userEvent('user.updated', ada, 4, { displayName: 'Countess' }));
    await world.bus.publish(userEvent('user.updated', ada, 3, { displayName: 'Late' }));
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    expect((await textsOf(grace))[0]).toEqual(['payment-received', 'You received €12.50 from Countess.']);
  });

  it('lead to a feed entry with the counts and to an event', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    const entries = await world.feed(grace);
    expect(entries.map(({ type, data }) => [type, data.counts])).toEqual([
      ['notification.created', { unread: 1, unseen: 1, version: 1 }],
      ['notification.created', { unread: 2, unseen: 2, version: 2 }],
    ]);
    const created = entries[1]?.data.notification;
    expect(created).toEqual((await world.inbox(grace))[0]);
    await eventually(() =>
      expect(heard.find(({ subject }) => subject === created?.id)?.data).toEqual({
        userId: grace,
        notification: created,
      }),
    );
  });

  it('wait for the copy of a person that is on its way', async () => {
    const [ada, grace] = [await world.register('Ada'), uuidv7()];
    const published = world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    await world.bus.publish(userEvent('user.registered', grace, 1, { displayName: 'Grace' }));
    await published;
    expect((await textsOf(ada))[0]).toEqual(['payment-sent', 'You paid €12.50 to Grace.']);
    expect(world.bus.deadLetters).toEqual([]);
  });
});

describe('repeated and simultaneous events', () => {
  it('make no second notification', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const event = paymentEvent('payment.succeeded', ada, grace);
    for (let times = 0; times < 3; times += 1) await world.bus.publish(event);
    expect((await textsOf(grace)).map(([kind]) => kind)).toEqual(['payment-received', 'welcome']);
    expect(await world.counts(grace)).toEqual({ unread: 2, unseen: 2, version: 2 });
  });

  it('change neither counts nor feed even after the inbox has forgotten the event', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const event = paymentEvent('payment.succeeded', ada, grace);
    await world.bus.publish(event);
    const before = await world.feed(grace);
    await world.client.$executeRaw`DELETE FROM messaging.inbox`;
    await world.bus.publish(event);
    expect(await world.feed(grace)).toEqual(before);
    expect(await world.counts(grace)).toEqual({ unread: 2, unseen: 2, version: 2 });
  });

  it('lose no count if payments between two people come at the same time', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const events = Array.from({ length: 60 }, (_, index) =>
      index % 2
        ? paymentEvent('payment.succeeded', ada, grace)
        : paymentEvent('payment.succeeded', grace, ada),
    );
    await Promise.all(events.map((event) => world.bus.publish(event)));
    for (const person of [ada, grace]) {
      expect(await world.counts(person)).toEqual({ unread: 61, unseen: 61, version: 61 });
      expect(await world.inbox(person)).toHaveLength(61);
    }
  });
});
