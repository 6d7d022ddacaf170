import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { revocationType } from '@warren/contracts';
import {
  brokerNames,
  createRabbitMqEventBus,
  type Delivery,
  deadLetterHeader,
  type EventBus,
} from '@warren/event-bus';
import { createRabbitMqNodeBus, type NodeBus, nodesExchange } from '@warren/node-bus';
import { eventually, named, unavailable } from '@warren/testing';
import { type ConfirmChannel, connect, type GetMessage, type Options } from 'amqplib';
import { pino } from 'pino';
import { type BrokerWithUsers, brokerWithUsers } from './support/broker-users.js';
import { services } from './support/services.js';

const { deadQueue, eventsExchange, eventsQueue, failuresExchange, replaysExchange } = brokerNames();

const log = pino({ level: 'silent' });
const accessRefused = 403;
const preconditionFailed = 406;

const brokers = [
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const;

describe.each(brokers)('broker permissions', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(title, missing), () => {
    let broker: BrokerWithUsers;
    const opened: Array<EventBus | NodeBus> = [];

    beforeAll(async () => {
      broker = await brokerWithUsers(options);
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      for (const queue of [eventsQueue('notification'), deadQueue('notification')]) await drop(queue);
    });
    afterAll(async () => {
      await broker.close();
      // Deleting a vhost with quorum queues is slow on a busy machine.
    }, 60_000);

    function busOf(service: string, authorize = broker.authorize): EventBus {
      const url = broker.urlFor(service);
      const bus = createRabbitMqEventBus({ url, service, retryDelays: [50], authorize, log });
      opened.push(bus);
      return bus;
    }

    /** A node that hears the events of these types. */
    function nodesOf(
      service: string,
      node: string,
      types: readonly string[] = [revocationType],
      authorize = broker.authorize,
    ): NodeBus {
      const events = { exchange: eventsExchange, types, authorize };
      const nodes = createRabbitMqNodeBus({ url: broker.urlFor(service), service, node, events, log });
      opened.push(nodes);
      return nodes;
    }

    async function withChannel<T>(url: string, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
      const connection = await connect(url);
      try {
        return await work(await connection.createConfirmChannel());
      } finally {
        await connection.close();
      }
    }

    const drop = (queue: string) => withChannel(broker.url, (channel) => channel.deleteQueue(queue));

    /** Resolves to the code with which the broker refuses the work, or to 0. */
    function refusal(url: string, work: (channel: ConfirmChannel) => Promise<unknown>): Promise<number> {
      return withChannel(url, (channel) => {
        const refused = new Promise<number>((resolve) => {
          channel.on('error', (error: { code?: number }) => resolve(error.code ?? -1));
        });
        return Promise.race([
          refused,
          work(channel).then(
            () => 0,
            () => refused,
          ),
        ]);
      });
    }

    const publishing =
      (exchange: string, key: string, properties: Options.Publish = {}) =>
      async (channel: ConfirmChannel) => {
        channel.publish(exchange, key, Buffer.from('{}'), properties);
        await channel.waitForConfirms();
      };

    async function declareQueuesOf(service: string, types: readonly string[]): Promise<EventBus> {
      const bus = busOf(service);
      await bus.subscribe({ service, types, handle: async () => [], probe: async () => undefined });
      return bus;
    }

    it('let a service receive every event that it consumes', async () => {
      for (const { name: service, consumes } of services) {
        const bus = await declareQueuesOf(service, consumes);
        const nodes = nodesOf(service, 'one');
        await nodes.ready();
        expect([service, bus.state, nodes.state]).toEqual([service, 'up', 'up']);
      }
    });

    it('let a service publish every event that it emits, and none of another service', async () => {
      const types = services.flatMap(({ contract }) => Object.keys(contract.emits));
      for (const { name, contract } of services) {
        for (const type of types) {
          const isOwn = type.startsWith(`${name}.`) || Object.hasOwn(contract.emits, type);
          const url = broker.urlFor(name);
          const codes = [
            await refusal(url, publishing(eventsExchange, type)),
            await refusal(url, publishing(replaysExchange, `payment.${type}`)),
          ];
          expect([name, type, ...codes]).toEqual([
            name,
            type,
            ...codes.map(() => (isOwn ? 0 : accessRefused)),
          ]);
        }
      }
    });

    it('keep a service from receiving secrets that are meant for another', async () => {
      const queue = 'warren.payment.ear';
      const hear = (type: string) => async (channel: ConfirmChannel) => {
        await channel.assertQueue(queue, { exclusive: true });
        await channel.bindQueue(queue, eventsExchange, type);
      };
      expect(await refusal(broker.urlFor('payment'), hear('user.registered'))).toBe(0);
      for (const type of ['user.password-reset-requested', 'user.*', '#', 'notification.requested'])
        expect(await refusal(broker.urlFor('payment'), hear(type))).toBe(accessRefused);
    });

    it('let the bus publish, deliver, delay and dead-letter', async () => {
      const taken: Delivery[] = [];
      const notification = busOf('notification');
      await notification.subscribe({
        service: 'notification',
        types: ['payment.succeeded', 'payment.failed'],
        probe: async () => {},
        handle: async (batch) => {
          taken.push(...batch);
          return batch.map(({ type, attempt }) => {
            const error = new Error('on purpose');
            if (type === 'payment.failed') return { kind: 'dead', reason: 'permanent', error };
            return attempt === 1 ? { kind: 'retry', error } : { kind: 'done' };
          });
        },
      });
      const payment = busOf('payment');
      for (const type of ['payment.succeeded', 'payment.failed']) {
        expect(await payment.publish({ id: type, type, body: '{}' })).toBe('confirmed');
      }
      await eventually(() => {
        expect(taken.map(({ type, attempt }) => `${type} ${attempt}`).sort()).toEqual([
          'payment.failed 1',
          'payment.succeeded 1',
          'payment.succeeded 2',
        ]);
      });
      expect(await deadLetterOf('notification')).toMatchObject({ messageId: 'payment.failed' });
      expect([payment.state, notification.state]).toEqual(['up', 'up']);
    });

    async function deadLetterOf(service: string): Promise<GetMessage['properties']> {
      return withChannel(broker.urlFor(service), (channel) =>
        eventually(async () => {
          const letter = await channel.get(deadQueue(service), { noAck: true });
          if (!letter) throw new Error('no dead letter');
          return letter.properties;
        }),
      );
    }

    it('let the nodes of a service reach each other', async () => {
      const [sender, receiver] = [nodesOf('payment', 'payment-1'), nodesOf('payment', 'payment-2')];
      await Promise.all([sender.ready(), receiver.ready()]);
      const received: unknown[] = [];
      await receiver.follow('payment/user:1', (_key, message) => void received.push(message));
      sender.send('payment/user:1', { n: 1 });
      await eventually(() => expect(received).toEqual([{ n: 1 }]));
    });

    it('keep a service from publishing a message as another user', async () => {
      const claim = (user: string) =>
        publishing(eventsExchange, 'payment.failed', {
          userId: decodeURIComponent(new URL(broker.urlFor(user)).username),
        });
      expect(await refusal(broker.urlFor('payment'), claim('payment'))).toBe(0);
      expect(await refusal(broker.urlFor('payment'), claim('user'))).toBe(preconditionFailed);
    });

    const forged = 'user.deleted';
    const asItself = () => ({
      messageId: 'forged',
      userId: decodeURIComponent(new URL(broker.urlFor('payment')).username),
    });

    /** Ways to circumvent the permissions for routing keys with the credentials of one service. */
    const routes = {
      'a forged event through an own exchange that is bound to the shared one': async (
        channel: ConfirmChannel,
      ) => {
        const exchange = 'warren.payment.way';
        await channel.assertExchange(exchange, 'topic', { autoDelete: true });
        await channel.bindExchange(eventsExchange, exchange, '#');
        await publishing(exchange, forged, asItself())(channel);
      },
      'a forged event as a dead letter of an own queue': async (channel: ConfirmChannel) => {
        const queue = 'warren.payment.way';
        const exchange = failuresExchange('payment');
        await channel.assertExchange(exchange, 'direct');
        await channel.assertQueue(queue, {
          exclusive: true,
          arguments: {
            'x-message-ttl': 0,
            'x-dead-letter-exchange': eventsExchange,
            'x-dead-letter-routing-key': forged,
          },
        });
        await channel.bindQueue(queue, exchange, queue);
        await publishing(exchange, queue, asItself())(channel);
      },
    } as const;

    describe.each(Object.keys(routes) as (keyof typeof routes)[])('do not prevent %s', (route) => {
      async function attack(authorize = broker.authorize) {
        const notification = busOf('notification', authorize);
        const taken: string[] = [];
        const heard: string[] = [];
        await notification.subscribe({
          service: 'notification',
          types: [forged],
          probe: async () => undefined,
          async handle(batch) {
            taken.push(...batch.map(({ type }) => type));
            return batch.map(() => ({ kind: 'done' }));
          },
        });
        const nodes = nodesOf('notification', 'one', [forged], authorize);
        nodes.onEvent(({ type }) => void heard.push(type));
        await nodes.ready();
        await withChannel(broker.urlFor('payment'), async (channel) => {
          await routes[route](channel);
          await eventually(() => {
            const refused = (notification.unauthorized ?? 0) + nodes.stats().unauthorized;
            expect(taken.length + heard.length + refused).toBe(2);
          });
        });
        return { taken, heard };
      }

      it('hazard: without a check of the publisher, the forged event is handled', async () => {
        const { taken, heard } = await attack(() => true);
        expect([taken, heard]).toEqual([[forged], [forged]]);
      });

      it('guard: consumers check the publisher, and the forged event becomes a dead letter', async () => {
        const { taken, heard } = await attack();
        expect([taken, heard]).toEqual([[], []]);
        const letter = await deadLetterOf('notification');
        expect(letter.messageId).toBe('forged');
        expect(letter.headers?.[deadLetterHeader.reason]).toBe('unauthorized-publisher');
      });
    });

    it('keep a service from sending messages to the queue of another', async () => {
      const queue = 'warren.notification.events';
      const straight = publishing('', queue);
      expect(await refusal(broker.url, straight)).toBe(0);
      expect(await refusal(broker.urlFor('payment'), straight)).toBe(accessRefused);
      const asFailure = publishing(failuresExchange('notification'), queue);
      expect(await refusal(broker.urlFor('payment'), asFailure)).toBe(accessRefused);
      expect(await refusal(broker.urlFor('notification'), asFailure)).toBe(0);
    });

    it('let a service receive only the replays that are meant for it', async () => {
      await declareQueuesOf('payment', ['user.updated']);
      for (const key of ['notification.#', '#', '*.user.snapshot']) {
        const listen = (channel: ConfirmChannel) =>
          channel.bindQueue('warren.payment.events', replaysExchange, key);
        expect(await refusal(broker.urlFor('payment'), listen)).toBe(accessRefused);
      }
    });

    it('keep a service from reading or sending messages between the nodes of another', async () => {
      const nodes = nodesExchange('payment');
      const own = 'warren.notification.spy';
      const attempts: Array<(channel: ConfirmChannel) => Promise<unknown>> = [
        publishing(nodes, 'all'),
        async (channel) => {
          await channel.assertQueue(own, { exclusive: true });
          await channel.bindQueue(own, nodes, 'all');
        },
        async (channel) => {
          await channel.assertExchange(own, 'fanout', { autoDelete: true });
          await channel.bindExchange(nodes, own, 'all');
        },
        async (channel) => {
          await channel.assertExchange(own, 'fanout', { autoDelete: true });
          await channel.bindExchange(own, nodes, 'all');
        },
        (channel) =>
          channel.assertQueue(own, { exclusive: true, arguments: { 'x-dead-letter-exchange': nodes } }),
      ];
      for (const attempt of attempts)
        expect(await refusal(broker.urlFor('notification'), attempt)).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), publishing(nodes, 'all'))).toBe(0);
    });

    it('keep a service from deleting shared exchanges and the exchanges of other services', async () => {
      for (const exchange of [eventsExchange, replaysExchange, nodesExchange('user')]) {
        const deletion = (channel: ConfirmChannel) => channel.deleteExchange(exchange);
        expect(await refusal(broker.urlFor('payment'), deletion)).toBe(accessRefused);
      }
    });

    it('keep a service from consuming, binding, purging or deleting the queue of another', async () => {
      const queue = 'warren.notification.events';
      await declareQueuesOf('notification', ['payment.failed']);
      const attempts: Array<(channel: ConfirmChannel) => Promise<unknown>> = [
        (channel) => channel.consume(queue, () => {}),
        (channel) => channel.bindQueue(queue, eventsExchange, 'user.registered'),
        (channel) => channel.purgeQueue(queue),
        (channel) => channel.deleteQueue(queue),
      ];
      for (const attempt of attempts) {
        expect(await refusal(broker.urlFor('payment'), attempt)).toBe(accessRefused);
      }
      expect(await refusal(broker.urlFor('notification'), (channel) => channel.purgeQueue(queue))).toBe(0);
    });

    it('keep a service from declaring queues outside its own names', async () => {
      const declare = (name: string) => (channel: ConfirmChannel) =>
        channel.assertQueue(name, { exclusive: true });
      expect(await refusal(broker.urlFor('payment'), declare('warren.user.commands'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('warren.user.node.mine'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('anything'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('warren.payment.mine'))).toBe(0);
    });
  });
});
