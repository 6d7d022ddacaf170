import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serviceOf } from '@warren/contracts';
import {
  createRabbitMqEventBus,
  type Delivery,
  deadQueue,
  type EventBus,
  eventsExchange,
  failuresExchange,
  replaysExchange,
} from '@warren/event-bus';
import { createRabbitMqNodeLink, type NodeLink, type NodeMessage, nodesExchange } from '@warren/realtime';
import { eventually, named, unavailable } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { pino } from 'pino';
import { type BrokerWithUsers, brokerWithUsers, type Definitions } from './support/broker-users.js';
import { readCompose, secretText } from './support/compose.js';
import { textOf } from './support/repository.js';
import { services } from './support/services.js';

const compose = readCompose(textOf('docker-compose.yml'));
const definitions = JSON.parse(secretText(compose, 'rabbitmq-definitions')) as Definitions;
const log = pino({ level: 'silent' });
const accessRefused = 403;

describe('the broker users in docker-compose.yml', () => {
  it('may publish each event of their service, and no event of another', () => {
    for (const { name, contract } of services) {
      const write = definitions.topic_permissions.find(({ user }) => user === name)?.write ?? '';
      const allowed = services
        .flatMap((other) => Object.keys(other.contract.emits))
        .filter((type) => type.match(write));
      expect(allowed).toEqual(expect.arrayContaining(Object.keys(contract.emits)));
      const foreign = allowed.filter((type) => !(type in contract.emits) && serviceOf(type) !== name);
      expect(foreign).toEqual([]);
    }
  });
});

const brokers = [
  { title: 'RabbitMQ', options: undefined, missing: undefined },
  { title: 'RabbitMQ 4', options: { version: 4 }, missing: unavailable('rabbitmq-4') },
] as const;

describe('the broker users in docker-compose.yml, as readers', () => {
  it('may hear what their service consumes, and no secret of another', () => {
    for (const { name, contract } of services) {
      const rule = definitions.topic_permissions.find(
        ({ user, exchange }) => user === name && exchange === eventsExchange,
      );
      const heard = services
        .flatMap((other) => Object.keys(other.contract.emits))
        .filter((type) => type.match(rule?.read ?? ''));
      const wanted = [...contract.consumes, 'user.session-revoked'].filter(
        (type) => !type.endsWith('.snapshot'),
      );
      expect(heard).toEqual(expect.arrayContaining(wanted));
      if (name !== 'notification') expect(heard.filter((type) => type.endsWith('-requested'))).toEqual([]);
    }
  });
});

describe.each(brokers)('broker permissions', ({ title, options, missing }) => {
  (missing ? describe.skip : describe)(named(title, missing), () => {
    let broker: BrokerWithUsers;
    const opened: Array<EventBus | NodeLink> = [];

    beforeAll(async () => {
      broker = await brokerWithUsers(definitions, options);
    });

    afterAll(async () => {
      await Promise.all(opened.map((each) => each.close()));
      await broker.close();
      // Deleting a vhost with quorum queues takes its time on a busy machine.
    }, 60_000);

    function busOf(service: string): EventBus {
      const bus = createRabbitMqEventBus({ url: broker.urlFor(service), service, retryDelays: [50], log });
      opened.push(bus);
      return bus;
    }

    /** The code with which the broker refuses, or 0 where it doesn't. */
    async function refusal(
      url: string,
      work: (channel: ConfirmChannel) => Promise<unknown>,
    ): Promise<number> {
      const connection = await connect(url);
      try {
        const channel = await connection.createConfirmChannel();
        const refused = new Promise<number>((resolve) => {
          channel.on('error', (error: { code?: number }) => resolve(error.code ?? -1));
        });
        return await Promise.race([
          refused,
          work(channel).then(
            () => 0,
            () => refused,
          ),
        ]);
      } finally {
        await connection.close();
      }
    }

    const publishing = (exchange: string, key: string) => async (channel: ConfirmChannel) => {
      channel.publish(exchange, key, Buffer.from('{}'));
      await channel.waitForConfirms();
    };

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
      const connection = await connect(broker.urlFor('notification'));
      const channel = await connection.createChannel();
      await eventually(async () => {
        expect((await channel.checkQueue(deadQueue('notification'))).messageCount).toBe(1);
      });
      await connection.close();
      expect([payment.state, notification.state]).toEqual(['up', 'up']);
    });

    it('let the nodes of a service reach each other', async () => {
      const linkOf = (node: string) => {
        const link = createRabbitMqNodeLink({ url: broker.urlFor('payment'), service: 'payment', node, log });
        opened.push(link);
        return link;
      };
      const [sender, receiver] = [linkOf('payment-1'), linkOf('payment-2')];
      const received: NodeMessage[] = [];
      receiver.onMessage((message) => received.push(message));
      await eventually(() => expect([sender.state, receiver.state]).toEqual(['up', 'up']));
      sender.broadcast({ kind: 'feed', service: 'payment', entries: [] });
      await eventually(() => expect(received).toHaveLength(1));
    });

    it('let nobody forge another service’s event', async () => {
      const forge = publishing(eventsExchange, 'user.registered');
      expect(await refusal(broker.url, forge)).toBe(0);
      expect(await refusal(broker.urlFor('payment'), forge)).toBe(accessRefused);
      expect(await refusal(broker.urlFor('user'), forge)).toBe(0);
    });

    it('let nobody put a message into another service’s queue', async () => {
      const queue = 'warren.notification.events';
      const straight = publishing('', queue);
      expect(await refusal(broker.url, straight)).toBe(0);
      expect(await refusal(broker.urlFor('payment'), straight)).toBe(accessRefused);
      const asFailure = publishing(failuresExchange('notification'), queue);
      expect(await refusal(broker.urlFor('payment'), asFailure)).toBe(accessRefused);
      expect(await refusal(broker.urlFor('notification'), asFailure)).toBe(0);
    });

    it('let a service send to one other what is its own, and hear only what is meant for it', async () => {
      const own = publishing(replaysExchange, 'notification.user.snapshot');
      expect(await refusal(broker.urlFor('user'), own)).toBe(0);
      expect(await refusal(broker.urlFor('payment'), own)).toBe(accessRefused);
      const listen = (channel: ConfirmChannel) =>
        channel.bindQueue('warren.payment.events', replaysExchange, 'notification.#');
      await busOf('payment').subscribe({
        service: 'payment',
        types: ['user.updated'],
        probe: async () => {},
        handle: async (batch) => batch.map(() => ({ kind: 'done' })),
      });
      expect(await refusal(broker.urlFor('payment'), listen)).toBe(accessRefused);
    });

    it('let nobody delete an exchange that all share', async () => {
      for (const exchange of [eventsExchange, replaysExchange, nodesExchange]) {
        const deletion = (channel: ConfirmChannel) => channel.deleteExchange(exchange);
        expect(await refusal(broker.urlFor('payment'), deletion)).toBe(accessRefused);
      }
    });

    it('let nobody take, bind, empty or delete another service’s queue', async () => {
      const queue = 'warren.notification.events';
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

    it('let nobody declare under a foreign name', async () => {
      const declare = (name: string) => (channel: ConfirmChannel) =>
        channel.assertQueue(name, { exclusive: true });
      expect(await refusal(broker.urlFor('payment'), declare('warren.user.commands'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('warren.nodes.user.mine'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('anything'))).toBe(accessRefused);
      expect(await refusal(broker.urlFor('payment'), declare('warren.payment.mine'))).toBe(0);
    });
  });
});
