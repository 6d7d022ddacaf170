import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type TestBroker, testBroker } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import { brokerNames, createRabbitMqEventBus, type EventBus, type Verdict } from '../src/index.js';
import { silent } from './support/rabbitmq.js';
import { eventOf, record, uniqueName } from './support/recorder.js';

describe('two systems on one broker', () => {
  let broker: TestBroker;
  let model: ChannelModel;
  const buses: EventBus[] = [];

  beforeAll(async () => {
    broker = await testBroker();
    model = await connect(broker.url);
  });
  afterEach(() => Promise.all(buses.splice(0).map((bus) => bus.close())));
  afterAll(async () => {
    await model.close();
    await broker.close();
  });

  function open(prefix: string, service: string): EventBus {
    const bus = createRabbitMqEventBus({
      url: broker.url,
      service,
      prefix,
      retryDelays: [40],
      log: silent,
    });
    buses.push(bus);
    return bus;
  }

  it('hear nothing of each other if their prefixes differ, though services and events have the same names', async () => {
    const [service, type] = [uniqueName('service'), uniqueName('thing.happened')];
    const [blue, green] = [uniqueName('blue'), uniqueName('green')];
    const [ofBlue, ofGreen] = [open(blue, service), open(green, service)];
    const failing = (): Verdict => ({ kind: 'retry', error: new Error('on purpose') });
    const seenByBlue = await record(ofBlue, { service, types: [type] }, failing);
    const seenByGreen = await record(ofGreen, { service, types: [type] });

    const event = eventOf(type);
    await ofBlue.publish(event);
    await ofBlue.publish({ ...eventOf(type), to: service });
    const channel = await model.createChannel();
    await eventually(async () => {
      const { messageCount } = await channel.checkQueue(brokerNames(blue).deadQueue(service));
      expect(messageCount).toBe(2);
    });
    expect(seenByBlue.deliveries).toHaveLength(4);

    // Everything of blue has passed; green's queue hears its own event and nothing else.
    const own = eventOf(type);
    await ofGreen.publish(own);
    await eventually(() => expect(seenByGreen.deliveries.map(({ id }) => id)).toEqual([own.id]));
    expect((await channel.checkQueue(brokerNames(green).deadQueue(service))).messageCount).toBe(0);
    await channel.close();
  });

  it.each(['', 'Blue', 'blue.green', 'blue-', '1blue', 'a'.repeat(41)])(
    'refuses the prefix "%s"',
    (prefix) => {
      expect(() => open(prefix, 'service')).toThrow(/must be in kebab case/);
    },
  );
});
