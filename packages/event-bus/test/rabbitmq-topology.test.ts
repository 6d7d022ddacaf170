import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type TestBroker, testBroker } from '@warren/testing';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import {
  brokerNames,
  createRabbitMqEventBus,
  type EventBus,
  type QueueWatch,
  type RabbitMqEventBusOptions,
} from '../src/index.js';
import { silent } from './support/rabbitmq.js';
import { eventOf, record, uniqueName } from './support/recorder.js';

const { eventsExchange, eventsQueue, replaysExchange, retryQueue } = brokerNames();

/** This file needs a vhost of its own, since it deletes shared exchanges. */
describe('a service that starts on a broker with existing exchanges and queues', () => {
  let broker: TestBroker;
  let model: ChannelModel;
  let raw: ConfirmChannel;
  let service: string;
  let type: string;
  let buses: EventBus[];

  beforeAll(async () => {
    broker = await testBroker();
    model = await connect(broker.url);
    raw = await model.createConfirmChannel();
  });
  afterAll(async () => {
    await model.close();
    await broker.close();
  }, 60_000);
  beforeEach(() => {
    service = uniqueName('service');
    type = uniqueName('thing.happened');
    buses = [];
  });
  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    for (const exchange of [eventsExchange, replaysExchange]) await raw.deleteExchange(exchange);
  });

  function open(options: Partial<RabbitMqEventBusOptions> = {}): EventBus {
    const bus = createRabbitMqEventBus({
      url: broker.url,
      service,
      retryDelays: [40],
      checkEveryMs: 300,
      log: silent,
      ...options,
    });
    buses.push(bus);
    return bus;
  }

  const nothing = { probe: async () => {}, handle: async () => [] };

  it.each([
    ['fanout', true, /warren\.events .*type fanout.* durable topic exchange is needed/],
    ['direct', true, /warren\.events .*type direct.* durable topic exchange is needed/],
    ['headers', true, /warren\.events .*type headers.* durable topic exchange is needed/],
    ['topic', false, /warren\.events .*durable false.* durable topic exchange is needed/],
  ])('does not start if an exchange has type %s and durable %s', async (kind, durable, sentence) => {
    await raw.assertExchange(eventsExchange, kind, { durable });
    await expect(open().subscribe({ service, types: [type], ...nothing })).rejects.toThrow(sentence);
    await expect(raw.checkQueue(eventsQueue(service))).resolves.toMatchObject({ messageCount: 0 });
    raw.publish(eventsExchange, type, Buffer.from('{}'));
    await raw.waitForConfirms();
    expect((await raw.checkQueue(eventsQueue(service))).messageCount).toBe(0);
  });

  it.each(['fanout', 'direct'])(
    'does not start if an existing exchange routes like type %s',
    async (kind) => {
      await raw.assertExchange(eventsExchange, 'topic', { durable: true });
      await raw.assertExchange(replaysExchange, kind, { durable: true });
      await expect(open().subscribe({ service, types: [type], ...nothing })).rejects.toThrow(
        new RegExp(`warren\\.replays .*type ${kind}.* durable topic exchange is needed`),
      );
    },
  );

  it.each([
    [
      'a classic queue',
      eventsQueue,
      { durable: true },
      /events exists with x-queue-type .*durable quorum queue/,
    ],
    ['a queue that is not durable', eventsQueue, { durable: false }, /events exists with durable false/],
    [
      'a retry queue whose messages never expire',
      (name: string) => retryQueue(name, 40),
      { durable: true, arguments: { 'x-queue-type': 'quorum' } },
      /retry.40ms exists with x-dead-letter-exchange none/,
    ],
    [
      'a queue that drops messages',
      eventsQueue,
      { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 10 } },
      /events exists with x-max-length 10/,
    ],
  ])('does not start if its queue is %s', async (_, nameOf, options, sentence) => {
    await raw.assertQueue(nameOf(service), options);
    await expect(open().subscribe({ service, types: [type], ...nothing })).rejects.toThrow(sentence);
  });

  it('binds its queue again after an exchange was deleted, and reports the loss', async () => {
    const noted: string[] = [];
    const watch: QueueWatch = {
      look: async () => ({
        lost: async () => void noted.push('lost'),
        whole: async () => void noted.push('whole'),
      }),
    };
    const bus = open();
    const seen = await record(bus, { service, types: [type], watch });
    await eventually(() => expect(noted).toEqual(expect.arrayContaining(['lost', 'whole'])));
    noted.length = 0;
    await eventually(() => expect(noted).toContain('whole'));
    expect(noted).not.toContain('lost');
    // Another queue is bound to every key, so no message is returned as unroutable.
    await raw.deleteExchange(eventsExchange);
    await raw.assertExchange(eventsExchange, 'topic', { durable: true });
    const { queue: everything } = await raw.assertQueue('', { exclusive: true });
    await raw.bindQueue(everything, eventsExchange, '#');
    await eventually(() => expect(noted).toContain('lost'));
    await eventually(() => expect(bus.state).toBe('up'));
    const event = eventOf(type);
    expect(await bus.publish(event)).toBe('confirmed');
    await eventually(() => expect(seen.deliveries.map(({ id }) => id)).toEqual([event.id]));
  });
});
