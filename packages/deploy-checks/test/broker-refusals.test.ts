import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerNames, createRabbitMqEventBus } from '@warren/event-bus';
import { createRabbitMqNodeBus } from '@warren/node-bus';
import { eventually, named, unavailable } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import { pino } from 'pino';
import { type BrokerWithUsers, brokerWithUsers } from './support/broker-users.js';

const { eventsExchange, eventsQueue } = brokerNames();

const log = pino({ level: 'silent' });

/** Counts error lines in the log: one for each set-up that failed. */
function errorCounter() {
  const counter = { errors: 0, log };
  const write = () => {
    counter.errors += 1;
  };
  counter.log = pino({ level: 'error' }, { write });
  return counter;
}

const brokers = [
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const;

describe.each(brokers)('a service whose broker user is refused', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(title, missing), () => {
    let broker: BrokerWithUsers;
    let model: ChannelModel;
    const opened: Array<{ close(): Promise<unknown> }> = [];

    beforeAll(async () => {
      broker = await brokerWithUsers(options);
      model = await connect(broker.url);
    }, 60_000);
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
    });
    afterAll(async () => {
      await model.close();
      await broker.close();
    }, 60_000);

    const subscription = { probe: async () => {}, handle: async () => [] };

    function busOf(service: string, url = broker.urlFor(service)) {
      const { authorize } = broker;
      const options = { url, service, authorize, retryDelays: [50], checkEveryMs: 300, log };
      const bus = createRabbitMqEventBus(options);
      opened.push(bus);
      return bus;
    }

    function nodesOf(service: string, types: readonly string[], logger = log) {
      const { authorize } = broker;
      const events = { exchange: eventsExchange, types, authorize };
      const url = broker.urlFor(service);
      const nodes = createRabbitMqNodeBus({ url, service, node: 'one', events, log: logger });
      opened.push(nodes);
      return nodes;
    }

    it('reports a refusal if it may not consume what it subscribes to', async () => {
      const bus = busOf('payment');
      const types = ['user.registered', 'user.password-reset-requested'];
      await bus.subscribe({ service: 'payment', types, ...subscription });
      expect(bus.refused).toMatch(/user\.password-reset-requested.*refused/);
      expect(bus.state).toBe('degraded');
    });

    it('reports a refusal if its login is refused, but not if the broker is down', async () => {
      const url = new URL(broker.urlFor('payment'));
      url.password = 'another';
      const bus = busOf('payment', url.href);
      await bus.subscribe({ service: 'payment', types: ['user.registered'], ...subscription });
      expect(bus.refused).toMatch(/403/);
      const away = new URL(broker.urlFor('payment'));
      away.port = '1';
      expect(busOf('payment', away.href).refused).toBeUndefined();
    });

    it('leaves no queue behind after repeated refusals to listen', async () => {
      const counter = errorCounter();
      const nodes = nodesOf('payment', ['user.password-reset-requested'], counter.log);
      await nodes.ready();
      expect(nodes.refused).toMatch(/user\.password-reset-requested.*refused/);
      await eventually(() => expect(counter.errors).toBeGreaterThan(3));
      expect((await broker.queues()).filter((name) => name.includes('.node.'))).toEqual([]);
    });

    it('leaves no queue behind while its nodes are refused, and connects once they are permitted', async () => {
      const own = '^warren\\.user\\..+$';
      await broker.permit('user', { configure: own, write: '^warren\\..+$', read: '^$' });
      const counter = errorCounter();
      const nodes = nodesOf('user', [], counter.log);
      await eventually(() => expect(nodes.refused).toMatch(/warren\.user\.nodes.*refused/));
      await eventually(() => expect(counter.errors).toBeGreaterThan(2));
      expect((await broker.queues()).filter((name) => name.startsWith('warren.user.node.'))).toEqual([]);
      await broker.permit('user', { configure: own, write: '^warren\\..+$', read: '^warren\\..+$' });
      await eventually(() => expect([nodes.refused, nodes.state]).toEqual([undefined, 'up']));
    });

    it('works with its own permissions, which include checking its bindings', async () => {
      for (const service of ['user', 'payment', 'notification']) {
        const bus = busOf(service);
        const types = service === 'user' ? [] : ['user.registered', 'user.snapshot'];
        await bus.subscribe({ service, types, ...subscription });
        const nodes = nodesOf(service, ['user.session-revoked']);
        await nodes.ready();
        expect([bus.refused, bus.state]).toEqual([undefined, 'up']);
        expect([nodes.refused, nodes.state]).toEqual([undefined, 'up']);
      }
    });

    it('does not start if an exchange has another type, although it may not declare exchanges', async () => {
      const channel = await model.createConfirmChannel();
      await channel.deleteExchange(eventsExchange);
      await channel.assertExchange(eventsExchange, 'fanout', { durable: true });
      const subscribing = busOf('payment').subscribe({
        service: 'payment',
        types: ['user.registered'],
        ...subscription,
      });
      await expect(subscribing).rejects.toThrow(
        /warren\.events ignores routing keys, like a fanout exchange, but a durable topic exchange is needed/,
      );
      await channel.deleteExchange(eventsExchange);
      await channel.assertExchange(eventsExchange, 'topic', { durable: true });
    });

    it('is degraded, not refused, while an exchange is missing, and recovers once it is back', async () => {
      const bus = busOf('payment');
      await bus.subscribe({ service: 'payment', types: ['user.registered'], ...subscription });
      expect(bus.state).toBe('up');
      const channel = await model.createConfirmChannel();
      await channel.deleteExchange(eventsExchange);
      await eventually(() => expect(bus.state).toBe('degraded'));
      expect(bus.refused).toBeUndefined();
      await channel.assertExchange(eventsExchange, 'topic', { durable: true });
      await eventually(() => expect(bus.state).toBe('up'));
      channel.publish(eventsExchange, 'user.registered', Buffer.from('{}'), { mandatory: true });
      await channel.waitForConfirms();
      await channel.checkQueue(eventsQueue('payment'));
    });
  });
});
