import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { fairShare } from '../src/domain/fair-share.js';
import { takeDeliveries } from '../src/store/delivery-queue.js';
import { Browser, type PushService, pushService } from './support/push-service.js';
import { paymentEvent, startTimeout, World } from './support/service.js';

let push: PushService;
let world: World;
beforeAll(async () => {
  push = await pushService();
  world = await World.create({ env: { PUSH_ALLOW_LOCAL: 'on' } });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await push.close();
});

async function subscribed(userId: string, origin = push.origin, times = 1): Promise<string[]> {
  const paths = Array.from({ length: times }, () => `/push/${uuidv7()}`);
  for (const path of paths) {
    const body = { endpoint: origin + path, keys: new Browser().keys };
    await world.http(userId, 'POST', '/push-subscriptions', body);
  }
  return paths;
}

async function pay(recipientId: string): Promise<void> {
  await world.bus.publish(paymentEvent('payment.failed', recipientId, await world.register('Ada')));
}

const waiting = (userId: string) =>
  world.client.delivery.findMany({ where: { userId, channel: 'push', settledAt: null } });

describe('endpoints that never answer', () => {
  it('delay pushes to their own person only', async () => {
    const silent = await pushService();
    silent.answers = false;
    const [eve, grace] = [await world.register('Eve'), await world.register('Grace')];
    await subscribed(eve, silent.origin, 20);
    for (let times = 0; times < 5; times += 1) await pay(eve);
    await eventually(() => expect(silent.received.length).toBeGreaterThan(0));
    const [path = ''] = await subscribed(grace);
    await pay(grace);
    await eventually(() => expect(push.at(path)).toHaveLength(1), { within: 20_000 });
    expect(silent.received.length).toBeLessThan(100);
    expect(silent.open()).toBeLessThanOrEqual(2);
    expect(await waiting(eve)).toHaveLength(100);
    await world.client.pushSubscription.deleteMany({ where: { userId: eve } });
    await silent.close();
    await eventually(async () => expect(await waiting(eve)).toEqual([]), { within: 20_000 });
  }, 90_000);

  it('of many people leave slots for subscriptions that are known to work', async () => {
    const silent = await pushService();
    silent.answers = false;
    const grace = await world.register('Grace');
    const [path = ''] = await subscribed(grace);
    await pay(grace);
    await eventually(async () =>
      expect(await world.client.pushSubscription.findMany({ where: { userId: grace } })).toMatchObject([
        { proven: true },
      ]),
    );
    const many = await Promise.all(Array.from({ length: 25 }, (_, n) => world.register(`Eve ${n}`)));
    for (const eve of many)
      await subscribed(eve, silent.origin.replace('127.0.0.1', eve === many[0] ? 'localhost' : '127.0.0.1'));
    await Promise.all(many.map(pay));
    await eventually(() => expect(silent.received.length).toBeGreaterThan(0));
    await pay(grace);
    await eventually(() => expect(push.at(path)).toHaveLength(2), { within: 20_000 });
    expect(silent.received.length).toBeLessThan(25);
    expect(silent.open()).toBeLessThanOrEqual(4);
    await world.client.pushSubscription.deleteMany({ where: { userId: { in: many } } });
    await silent.close();
  }, 90_000);

  it('are given up after 8 s, and their connections are closed', async () => {
    const silent = await pushService();
    silent.answers = false;
    const eve = await world.register('Eve');
    await subscribed(eve, silent.origin);
    await pay(eve);
    await eventually(async () => expect((await waiting(eve))[0]?.failure).toBe('timeout'), {
      within: 40_000,
    });
    await eventually(() => expect(silent.open()).toBe(0));
    await world.client.pushSubscription.deleteMany({ where: { userId: eve } });
    await silent.close();
  }, 90_000);
});

describe('a failing subscription', () => {
  const healthOf = (userId: string) =>
    world.client.pushSubscription.findMany({
      where: { userId },
      select: { proven: true, failures: true },
    });

  /** Moves the last failure back by a day, and makes waiting pushes due. */
  async function nextDay(userId: string): Promise<void> {
    await world.client.pushSubscription.updateMany({
      where: { userId },
      data: { failedAt: new Date(Date.now() - 24 * 3_600_000) },
    });
    await world.client.delivery.updateMany({
      where: { userId, settledAt: null },
      data: { dueAt: new Date() },
    });
  }

  it.each([401, 403, 500])('is dropped after ten failures in a row with status %i', async (status) => {
    const grace = await world.register('Grace');
    const [path] = await subscribed(grace);
    push.status = (at) => (at === path ? status : 201);
    await pay(grace);
    for (let failures = 1; failures < 10; failures += 1) {
      await eventually(async () => expect(await healthOf(grace)).toEqual([{ proven: false, failures }]));
      await nextDay(grace);
    }
    await eventually(async () => expect(await healthOf(grace)).toEqual([]));
  });

  it('counts an outage as one failure, and forgets it once a push works', async () => {
    const grace = await world.register('Grace');
    const [path] = await subscribed(grace);
    push.status = (at) => (at === path ? 503 : 201);
    for (let times = 0; times < 5; times += 1) await pay(grace);
    await eventually(async () =>
      expect((await waiting(grace)).map(({ failure }) => failure)).toEqual(Array(5).fill('http 503')),
    );
    await eventually(async () => expect(await healthOf(grace)).toEqual([{ proven: false, failures: 1 }]));
    push.status = () => 201;
    await nextDay(grace);
    await eventually(async () => expect(await waiting(grace)).toEqual([]));
    await eventually(async () => expect(await healthOf(grace)).toEqual([{ proven: true, failures: 0 }]));
  });
});

describe('pushes that wait for a subscription', () => {
  const fill = (userId: string, target: string, count: number) =>
    world.client.delivery.createMany({
      data: Array.from({ length: count }, () => ({
        ...{ id: uuidv7(), userId, eventId: uuidv7(), kind: 'test', channel: 'push', target, content: {} },
        dueAt: new Date(Date.now() + 3_600_000),
        ...{ giveUpAt: new Date(Date.now() + 7_200_000), createdAt: new Date() },
      })),
    });

  it.each([
    ['unproven', false, 0, 20],
    ['proven', true, 0, 100],
    ['proven and failing', true, 1, 100],
  ])('are limited while it is %s; the inbox has all notifications', async (_, proven, failures, most) => {
    const grace = await world.register('Grace');
    await subscribed(grace);
    const { id } = await world.client.pushSubscription.findFirstOrThrow({ where: { userId: grace } });
    await world.client.pushSubscription.update({ where: { id }, data: { proven, failures } });
    await fill(grace, id, most);
    await pay(grace);
    const pushes = () =>
      world.client.delivery.count({ where: { userId: grace, kind: 'payment-failed', channel: 'push' } });
    const inbox = async () =>
      (await world.inbox(grace)).filter(({ kind }) => kind === 'payment-failed').length;
    expect([await inbox(), await pushes()]).toEqual([1, 0]);
    await world.client.delivery.deleteMany({ where: { id: { in: [(await waiting(grace))[0]?.id ?? ''] } } });
    await pay(grace);
    expect([await inbox(), await pushes()]).toEqual([2, 1]);
  });
});

describe('taking deliveries', () => {
  it('hazard: the longest due belong to one person; guard: takes one per person, and gives nobody more than two slots', async () => {
    await world.client.$transaction(async (db) => {
      const [eve, grace] = [uuidv7(), uuidv7()];
      const rows = [...Array.from({ length: 30 }, () => eve), grace].map((userId, index) => ({
        ...{
          id: uuidv7(),
          userId,
          eventId: uuidv7(),
          kind: 'test',
          channel: 'push',
          target: '',
          content: {},
        },
        dueAt: new Date(Date.now() - 600_000 + index),
        ...{ giveUpAt: new Date(Date.now() + 60_000), createdAt: new Date() },
      }));
      await db.delivery.createMany({ data: rows });
      const longest = rows.slice(0, 20).map(({ userId }) => userId);
      expect(new Set(longest)).toEqual(new Set([eve]));
      const underWay: Awaited<ReturnType<typeof takeDeliveries>> = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const share = fairShare(underWay, 20);
        underWay.push(...(await takeDeliveries(db, 'push', { limit: 20, leaseMs: 60_000, share })));
      }
      expect(underWay.map(({ userId }) => userId).sort()).toEqual([eve, eve, grace].sort());
      await db.delivery.deleteMany({ where: { userId: { in: [eve, grace] } } });
    });
  });
});
