import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Person } from './support/person.js';
import { bodyOf, describeStory, expectGapless, ofKind } from './support/story.js';
import { SeparateSystem, type ServiceName } from './support/system.js';

describe('two instances of each service with a real broker', () => {
  let system: SeparateSystem;
  beforeAll(async () => {
    system = await SeparateSystem.start(2);
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  describeStory(() => system);

  it('push to the sockets of the other instance', async () => {
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    const logs = [
      await grace.connect('payment', { instance: 0 }),
      await grace.connect('payment', { instance: 1 }),
    ];
    const before = await repairs();
    const amounts = [700, 701, 702];
    for (const amount of amounts) {
      const { body } = await ada.pay(grace, amount);
      for (const log of logs) await log.entry('payment.updated', (data) => data.id === body.id);
    }
    // Without pushes the sweep would deliver all of them. If the machine stalls, the sweep may deliver one first.
    expect((await repairs()) - before).toBeLessThan(amounts.length);
    for (const log of logs) expectGapless(log);
    ada.leave();
    grace.leave();
  }, 90_000);

  /** The number of payment entries that the sweep delivered because no push had arrived. */
  async function repairs(): Promise<number> {
    const counts = [0, 1].map(async (instance) => {
      const metrics = await (await fetch(`${system.internalUrl('payment', instance)}/metrics`)).text();
      return Number(/^warren_feed_sweep_repairs_total\S* (\S+)$/m.exec(metrics)?.[1]);
    });
    return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
  }

  it.each<ServiceName>(['notification', 'payment', 'user'])(
    'lose and duplicate nothing when both instances of %s are killed under traffic and started again',
    async (service) => {
      const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
      const hears = await grace.connect('notification');
      expect((await ada.pay(grace, 1)).status).toBe(201);
      await hears.entry('notification.created', ofKind('payment-received'));

      const paying = Promise.all(Array.from({ length: 20 }, (_, index) => ada.pay(grace, 1001 + index)));
      await Promise.all([system.kill(service, 0), system.kill(service, 1)]);
      await Promise.all([system.restart(service, 0), system.restart(service, 1)]);
      const answers = await paying;
      expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 201));

      for (const { body } of answers) {
        const amount = `€${(Number(body.amount) / 100).toFixed(2)}`;
        await hears.entry(
          'notification.created',
          (data) => ofKind('payment-received')(data) && bodyOf({ data }).includes(amount),
        );
      }
      const received = hears.entries.filter((entry) => ofKind('payment-received')(entry.data));
      expect(received).toHaveLength(21);
      expectGapless(hears);
      ada.leave();
      grace.leave();
    },
    120_000,
  );

  it('exit with code 0 on SIGTERM, and their clients reconnect by themselves', async () => {
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    const hears = await grace.connect('notification', { instance: 1 });
    expect(await system.stop('notification', 1)).toBe(0);
    expect((await ada.pay(grace, 900)).status).toBe(201);
    await system.restart('notification', 1);
    await hears.entry('notification.created', ofKind('payment-received'));
    expectGapless(hears);
    ada.leave();
    grace.leave();
  }, 60_000);
});
