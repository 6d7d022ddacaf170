import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, named, unavailable } from '@warren/testing';
import { connect } from 'amqplib';
import { pino } from 'pino';
import {
  type BrokerWithUsers,
  brokerWithUsers,
  type Definitions,
} from '../../deploy-checks/test/support/broker-users.js';
import {
  brokerNames,
  createRabbitMqEventBus,
  type EncodedEvent,
  type EventBus,
  openOperator,
  type RabbitMqEventBusOptions,
  type Verdict,
} from '../src/index.js';
import { retryDelays } from './support/letters.js';
import { silent } from './support/rabbitmq.js';
import { done, eventOf, record } from './support/recorder.js';

const { eventsExchange } = brokerNames();

const all = { configure: '.*', write: '.*', read: '.*' };
const vhost = 'any';
/** A test that changes permissions has a user of its own. */
const users = ['note', 'learner', 'reader', 'blind'];
/** The second pattern is for the messages by which a bus checks that its own queue is bound. */
const onlyWritten = {
  exchange: eventsExchange,
  write: '^note\\.written$|\\.bindings-checked\\.',
  read: '.*',
};
const definitions: Definitions = {
  vhosts: [],
  users: users.map((name) => ({ name, password: 'for-this-test', tags: [] })),
  exchanges: [],
  permissions: users.map((user) => ({ user, vhost, ...all, ...(user === 'blind' && { read: '^$' }) })),
  topic_permissions: ['note', 'learner'].map((user) => ({ user, vhost, ...onlyWritten })),
};
/** The receipts of a published event. These tests don't care whether somebody consumes it. */
const receipts: readonly unknown[] = ['confirmed', 'unroutable'];
const [good, bad] = ['note.written', 'note.bad'];

describe.each([
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const)('the event bus when the broker refuses', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(`on ${title}`, missing), () => {
    let broker: BrokerWithUsers;
    let opened: EventBus[];

    beforeAll(async () => {
      broker = await brokerWithUsers(options, definitions);
    }, 120_000);
    afterAll(() => broker.close(), 60_000);
    beforeEach(() => {
      opened = [];
    });
    afterEach(() => Promise.all(opened.map((bus) => bus.close())), 60_000);

    function busOf(service: string, given: Partial<RabbitMqEventBusOptions> = {}): EventBus {
      const url = broker.urlFor(service);
      const bus = createRabbitMqEventBus({
        url,
        service,
        authorize: () => true,
        retryDelays,
        log: silent,
        ...given,
      });
      opened.push(bus);
      return bus;
    }

    /** Publishes an event. Resolves to the receipt or error, and the milliseconds that it took. */
    async function publishing(bus: EventBus, event: EncodedEvent) {
      const began = performance.now();
      const outcome = await bus.publish(event).then(
        (receipt) => receipt as unknown,
        (error: unknown) => error,
      );
      return { outcome, ms: performance.now() - began };
    }

    it('rejects a refused event with the answer of the broker, and confirms the others in flight', async () => {
      const bus = busOf('note');
      await bus.publish(eventOf(good));
      const events = Array.from({ length: 60 }, (_, index) => eventOf(index === 20 ? bad : good));
      const outcomes = await Promise.all(events.map((event) => publishing(bus, event)));
      const refused = outcomes.splice(20, 1);
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(
        outcomes.map(() => expect.stringMatching(/confirmed|unroutable/)),
      );
      expect(refused[0]?.outcome).toMatchObject({
        name: 'PublishError',
        kind: 'refused',
        answer: { code: 403, text: expect.stringContaining(bad) },
      });
      expect(bus.publishing).toBe('up');
    });

    it('does not slow down other events while some are refused', async () => {
      const bus = busOf('note');
      await record(busOf('reader'), { service: 'reader', types: [good] });
      await bus.publish(eventOf(good));
      const goods: ReturnType<typeof publishing>[] = [];
      const bads: ReturnType<typeof publishing>[] = [];
      for (let index = 0; index < 200; index++) {
        goods.push(publishing(bus, eventOf(good)));
        if (index % 10 === 0) bads.push(publishing(bus, eventOf(bad)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const outcomes = await Promise.all(goods);
      expect(outcomes.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
      for (const { outcome } of await Promise.all(bads)) expect(outcome).toMatchObject({ kind: 'refused' });
      const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
      expect(sorted[Math.floor(sorted.length * 0.99)]).toBeLessThan(1_000);
      expect(bus.publishing).toBe('up');
    }, 60_000);

    it('loses its channel once, and then sends the refused routing key alone and at most once a second', async () => {
      const closed: unknown[] = [];
      const log = pino(
        { level: 'debug' },
        { write: (line) => void (line.includes('the broker closed the channel') && closed.push(line)) },
      );
      const bus = busOf('note', { log });
      await bus.publish(eventOf(good));
      // Questions about exchanges that may not exist have closed channels, too.
      closed.length = 0;
      const began = Date.now();
      for (let index = 0; index < 100; index++) {
        const [refused, beside] = await Promise.all([
          publishing(bus, eventOf(bad)),
          publishing(bus, eventOf(good)),
        ]);
        expect(refused.outcome).toMatchObject({ kind: 'refused', answer: { code: 403 } });
        expect(receipts).toContain(beside.outcome);
      }
      // The first one closes two channels, among others and alone. Then the broker is asked at most once a second.
      const asked = Math.ceil((Date.now() - began) / 1_000);
      expect(closed.length).toBeGreaterThan(0);
      expect(closed.length).toBeLessThanOrEqual(2 + asked);
    });

    it('publishes a refused event once the broker permits it', async () => {
      const bus = busOf('learner');
      const event = eventOf(bad);
      expect((await publishing(bus, event)).outcome).toMatchObject({ kind: 'refused' });
      await broker.change({
        topic_permissions: [{ user: 'learner', vhost, ...onlyWritten, write: '.*' }],
      });
      await eventually(async () => expect((await publishing(bus, event)).outcome).toBe('unroutable'));
    });

    it('rejects an event that AMQP can not represent, without losing its channel', async () => {
      const bus = busOf('note');
      await bus.publish(eventOf(good));
      const [tooLong, beside] = await Promise.all([
        publishing(bus, eventOf(`note.${'x'.repeat(255)}`)),
        publishing(bus, eventOf(good)),
      ]);
      expect(tooLong.outcome).toMatchObject({ kind: 'refused' });
      expect(receipts).toContain(beside.outcome);
    });

    it('reports unavailable while an exchange is missing, and publishes when it is back', async () => {
      const bus = busOf('note');
      await bus.publish(eventOf(good));
      const admin = await connect(broker.url);
      const channel = await admin.createChannel();
      await channel.deleteExchange(eventsExchange);
      await admin.close();
      const { outcome } = await publishing(bus, eventOf(good));
      if (!receipts.includes(outcome)) expect(outcome).toMatchObject({ kind: 'unavailable' });
      await eventually(async () =>
        expect(receipts).toContain((await publishing(bus, eventOf(good))).outcome),
      );
    });

    it('publishes even if it may not consume', async () => {
      const bus = busOf('blind');
      void record(bus, { service: 'blind', types: [good] }).catch(() => undefined);
      await eventually(() => expect(bus.publishing).toBe('up'));
      await bus.publish(eventOf('blind.asked'));
      expect(bus.state).toBe('degraded');
      expect(bus.publishing).toBe('up');
    });

    it('has the broker dead-letter a delivery that it may not move itself, and handles the others', async () => {
      const bus = busOf('reader');
      const error = new Error('on purpose');
      const verdicts: Record<string, Verdict> = {
        retried: { kind: 'retry', error },
        dead: { kind: 'dead', reason: 'permanent', error },
      };
      const bounds = { service: 'reader', types: [good], prefetch: 2 };
      const seen = await record(bus, bounds, ({ id }) => verdicts[id] ?? done);
      await broker.change({
        permissions: [{ user: 'reader', vhost, ...all, write: '^warren\\.(events|replays)$' }],
      });
      const note = busOf('note');
      for (const id of ['retried', 'dead', 'first', 'second', 'third']) await note.publish(eventOf(good, id));
      await eventually(() => {
        const ids = seen.deliveries.map(({ id }) => id);
        expect(ids).toEqual(expect.arrayContaining(['first', 'second', 'third']));
      });
      const operator = await openOperator({ url: broker.url, service: 'reader', retryDelays });
      try {
        await eventually(async () => {
          const held = await operator.hold({ scan: 10, limit: 10 });
          const letters = held.letters.map(({ id, reason, type }) => ({ id, reason, type }));
          await held.release();
          expect(letters.sort((a, b) => a.id.localeCompare(b.id))).toEqual([
            { id: 'dead', reason: 'move-refused', type: good },
            { id: 'retried', reason: 'move-refused', type: good },
          ]);
        });
      } finally {
        await operator.close();
      }
      expect(seen.deliveries.filter(({ id }) => id in verdicts)).toHaveLength(2);
      expect(bus.publishing).toBe('up');
    }, 60_000);
  });
});
