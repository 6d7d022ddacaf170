import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { GetMessage } from 'amqplib';
import { brokerNames, createRabbitMqEventBus, deadLetterHeader, type EventBus } from '../src/index.js';
import { deadArguments } from '../src/rabbitmq/topology.js';
import { crashUntilDead } from './support/letters.js';
import { type Bench, describeOnBrokers, silent } from './support/rabbitmq.js';
import { done, eventOf, record, uniqueName } from './support/recorder.js';

const { deadQueue, eventsExchange, eventsQueue, failuresExchange, replaysExchange, retryQueue } =
  brokerNames();

const retryDelays = [40];

describeOnBrokers('the RabbitMQ event bus', (openBench) => {
  let bench: Bench;
  let bus: EventBus;
  let service: string;
  let type: string;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(() => {
    service = uniqueName('service');
    type = uniqueName('thing.happened');
    bus = createRabbitMqEventBus({ url: bench.url, service, retryDelays, log: silent });
  });
  afterEach(() => bus.close());

  async function take(queue: string): Promise<GetMessage> {
    return eventually(async () => {
      const message = await bench.raw.get(queue, { noAck: true });
      if (!message) throw new Error(`nothing in ${queue}`);
      return message;
    });
  }

  it('publishes persistent CloudEvents with id, type and time', async () => {
    const { queue } = await bench.raw.assertQueue('', { exclusive: true });
    await bench.raw.bindQueue(queue, eventsExchange, type);
    const event = eventOf(type);
    await bus.publish(event);
    const { content, properties, fields } = await take(queue);
    expect(content.toString()).toBe(event.body);
    expect(fields.routingKey).toBe(type);
    expect(properties).toMatchObject({
      contentType: 'application/cloudevents+json',
      deliveryMode: 2,
      messageId: event.id,
      type,
      appId: service,
      userId: bench.user,
    });
    expect(Math.abs(properties.timestamp - Date.now() / 1_000)).toBeLessThan(60);
  });

  it('limits the size of dead letter headers', async () => {
    await record(bus, { service, types: [type] }, () => ({
      kind: 'dead',
      reason: 'permanent',
      error: new Error('ü'.repeat(200_000)),
    }));
    await bus.publish(eventOf(type));
    const { properties } = await take(deadQueue(service));
    expect(properties.headers?.[deadLetterHeader.errorStack]).toContain('Error: üü');
    expect(Buffer.byteLength(JSON.stringify(properties.headers))).toBeLessThan(8 * 1_024);
  });

  it('delivers and retries messages without id, type and body', async () => {
    const seen = await record(bus, { service, types: [type] }, ({ attempt }) =>
      attempt === 1 ? { kind: 'retry', error: new Error('not yet') } : done,
    );
    bench.raw.publish(eventsExchange, type, Buffer.alloc(0), {
      userId: bench.user,
      headers: { [deadLetterHeader.attempt]: 'x' },
    });
    await eventually(() => {
      expect(seen.deliveries).toEqual([
        { id: '', type, body: '', attempt: 1, redelivered: false },
        { id: '', type, body: '', attempt: 2, redelivered: false },
      ]);
    });
  });

  it('takes the type from the routing key, for which permissions are checked, and keeps it in a retry', async () => {
    const seen = await record(bus, { service, types: [type] }, ({ attempt }) =>
      attempt === 1 ? { kind: 'retry', error: new Error('not yet') } : done,
    );
    const properties = { userId: bench.user, type: 'user.registered' };
    bench.raw.publish(eventsExchange, type, Buffer.from('{}'), properties);
    bench.raw.publish(replaysExchange, `${service}.${type}`, Buffer.from('{}'), properties);
    await eventually(() => {
      expect(seen.deliveries.map((one) => `${one.type} ${one.attempt}`).sort()).toEqual(
        [`${type} 1`, `${type} 1`, `${type} 2`, `${type} 2`].sort(),
      );
    });
  });

  it('loses no event if its retry queue was deleted', async () => {
    const seen = await record(bus, { service, types: [type] }, ({ attempt }) =>
      attempt === 1 ? { kind: 'retry', error: new Error('not yet') } : done,
    );
    await bench.raw.deleteQueue(retryQueue(service, 40));
    const event = eventOf(type);
    await bus.publish(event);
    await eventually(() => expect(seen.deliveries.at(-1)).toMatchObject({ id: event.id, attempt: 2 }));
  });

  it('loses no event if the exchange for retries was deleted', async () => {
    const seen = await record(bus, { service, types: [type] }, ({ attempt }) =>
      attempt === 1 ? { kind: 'retry', error: new Error('not yet') } : done,
    );
    await bench.raw.deleteExchange(failuresExchange(service));
    const event = eventOf(type);
    await bus.publish(event);
    await eventually(() => expect(seen.deliveries.at(-1)).toMatchObject({ id: event.id, attempt: 2 }));
  });

  it('declares its queue again after it was deleted', async () => {
    const seen = await record(bus, { service, types: [type] });
    await bench.raw.deleteQueue(eventsQueue(service));
    const event = eventOf(type);
    await eventually(async () => expect(await bus.publish(event)).toBe('confirmed'));
    await eventually(() => expect(seen.deliveries.map(({ id }) => id)).toContain(event.id));
  });

  it('uses a queue that exists with another delivery limit', async () => {
    await bench.raw.assertQueue(eventsQueue(service), {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 7 },
    });
    const seen = await record(bus, { service, types: [type] });
    await bus.publish(eventOf(type));
    await eventually(() => expect(seen.deliveries).toHaveLength(1));
  });

  it('lets the broker move a message that crashes every consumer to the dead letters', async () => {
    await record(bus, { service, types: [type] });
    await bus.close();
    const event = eventOf(type);
    bench.raw.publish(eventsExchange, type, Buffer.from(event.body), {
      messageId: event.id,
      persistent: true,
    });
    await bench.raw.waitForConfirms();
    const crashes = await crashUntilDead(bench.url, service);
    const { properties, content } = await take(deadQueue(service));
    expect(crashes).toBe(51);
    expect(content.toString()).toBe(event.body);
    expect(properties).toMatchObject({ messageId: event.id });
    expect(properties.headers?.['x-first-death-reason']).toBe('delivery_limit');
  });

  it('keeps dead letters however often they are read', async () => {
    await record(bus, { service, types: [type] }, () => ({
      kind: 'dead',
      reason: 'permanent',
      error: new Error('never'),
    }));
    await bus.publish(eventOf(type));
    await eventually(async () => {
      expect((await bench.raw.checkQueue(deadQueue(service))).messageCount).toBe(1);
    });
    for (let look = 0; look < 60; look += 1) {
      const message = await bench.raw.get(deadQueue(service));
      if (message) bench.raw.reject(message, true);
    }
    await take(deadQueue(service));
  });

  it('declares no delivery limit for dead letters, explicitly on 4.x and by default on 3.x', () => {
    expect(deadArguments('3.10.8')).toEqual({});
    expect(deadArguments('4.0.5')).toEqual({ 'x-delivery-limit': -1 });
  });
});
