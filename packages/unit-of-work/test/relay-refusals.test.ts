import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerNames, createRabbitMqEventBus, type EventBus } from '@warren/event-bus';
import { eventually, named, unavailable } from '@warren/testing';
import {
  type BrokerWithUsers,
  brokerWithUsers,
  type Definitions,
} from '../../deploy-checks/test/support/broker-users.js';
import { type Fixture, fixture, quiet, writeNote } from './support/fixture.js';

const { eventsExchange } = brokerNames();

/** `npm run test:full` takes a minute; otherwise some seconds. */
const full = process.env.WARREN_TEST_FULL === '1';
const load = full
  ? { seconds: 60, perSecond: 100, spreadOverSeconds: 20 }
  : { seconds: 5, perSecond: 40, spreadOverSeconds: 3 };
const atOnce = 20;
const spread = 14;

const vhost = 'any';
const users = ['note', 'listener'];
/** The service may publish `note.written`, and no `note.erased`. */
const definitions: Definitions = {
  vhosts: [],
  users: users.map((name) => ({ name, password: 'for-this-test', tags: [] })),
  exchanges: [],
  permissions: users.map((user) => ({ user, vhost, configure: '.*', write: '.*', read: '.*' })),
  topic_permissions: [
    { user: 'note', vhost, exchange: eventsExchange, write: '^note\\.written$', read: '.*' },
  ],
};

describe.each([
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const)('publishing beside events that the broker refuses', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(`on ${title}`, missing), () => {
    let broker: BrokerWithUsers;
    let db: Fixture;
    const buses: EventBus[] = [];
    beforeAll(async () => {
      broker = await brokerWithUsers(options, definitions);
      db = await fixture();
    }, 120_000);
    afterAll(async () => {
      await db.close();
      await Promise.all(buses.map((bus) => bus.close()));
      await broker.close();
    }, 60_000);

    function busOf(service: string): EventBus {
      const bus = createRabbitMqEventBus({
        url: broker.urlFor(service),
        service,
        authorize: () => true,
        log: quiet,
      });
      buses.push(bus);
      return bus;
    }

    it('delays other events little, and parks those that the broker refuses', async () => {
      const heard = new Map<string, number>();
      await busOf('listener').subscribe({
        service: 'listener',
        types: ['note.written'],
        probe: async () => undefined,
        handle: async (batch) =>
          batch.map(({ body }) => {
            const { subject } = JSON.parse(body);
            if (!heard.has(subject)) heard.set(subject, performance.now());
            return { kind: 'done' };
          }),
      });
      const { uow, stats, start } = db.instance({ bus: busOf('note') });
      await start({ handlers: [] });

      const erase = (count: number) =>
        uow.run(async (tx) => {
          for (let index = 0; index < count; index++)
            tx.publish({ type: 'note.erased', subject: 'refused', version: 1, data: { text: 'x' } });
        });
      /** Publishes good events at a steady rate, and resolves to the 99th percentile of their delays in milliseconds. */
      async function publishGood(name: string): Promise<number> {
        const committed = new Map<string, number>();
        const began = performance.now();
        const written: Promise<void>[] = [];
        for (let index = 0; performance.now() - began < load.seconds * 1_000; index++) {
          const id = `${name}-${index}`;
          const done = uow.run((tx) => writeNote(tx, id));
          written.push(done.then(() => void committed.set(id, performance.now())));
          await pause(1_000 / load.perSecond);
        }
        await Promise.all(written);
        await eventually(() => expect([...committed.keys()].filter((id) => !heard.has(id))).toEqual([]), {
          within: 30_000,
        });
        const delays = [...committed].map(([id, at]) => (heard.get(id) ?? Number.POSITIVE_INFINITY) - at);
        delays.sort((a, b) => a - b);
        const at = (share: number) => Math.round(delays[Math.floor((delays.length - 1) * share)] ?? 0);
        if (full)
          process.stderr.write(
            `${name}: ${delays.length} events, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`,
          );
        return at(0.99);
      }
      async function publishRefused(): Promise<void> {
        await erase(atOnce);
        for (let index = 0; index < spread; index++) {
          await pause((load.spreadOverSeconds * 1_000) / spread);
          await erase(1);
        }
      }

      const alone = await publishGood('alone');
      const [beside] = await Promise.all([publishGood('beside'), publishRefused()]);
      await eventually(() => expect(stats().relay).toMatchObject({ parked: atOnce + spread, backlog: 0 }), {
        within: 30_000,
      });
      // A busy machine delays both.
      expect(beside).toBeLessThan(1_000 + 3 * alone);
    }, 180_000);
  });
});
