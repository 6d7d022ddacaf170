import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { GetMessage, Options } from 'amqplib';
import {
  brokerNames,
  createRabbitMqEventBus,
  deadLetterHeader,
  type EventBus,
  openOperator,
} from '../src/index.js';
import { type Bench, describeOnBrokers, silent } from './support/rabbitmq.js';
import { eventOf, record, uniqueName } from './support/recorder.js';

const { deadQueue, eventsExchange, replaysExchange } = brokerNames();

describeOnBrokers('the check of who published an event', (openBench) => {
  let bench: Bench;
  let bus: EventBus;
  let service: string;
  let allowed: string;
  let foreign: string;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(() => {
    service = uniqueName('service');
    allowed = uniqueName('thing.happened');
    foreign = uniqueName('other.happened');
    bus = createRabbitMqEventBus({
      url: bench.url,
      service,
      retryDelays: [40],
      authorize: (publisher, type) => publisher === bench.user && type === allowed,
      log: silent,
    });
  });
  afterEach(() => bus.close());

  function publish(exchange: string, key: string, properties: Options.Publish): void {
    bench.raw.publish(exchange, key, Buffer.from('{}'), { persistent: true, ...properties });
  }

  async function deadLetters(count: number): Promise<GetMessage[]> {
    const letters: GetMessage[] = [];
    await eventually(async () => {
      const letter = await bench.raw.get(deadQueue(service), { noAck: true });
      if (letter) letters.push(letter);
      expect(letters).toHaveLength(count);
    });
    return letters;
  }

  it('moves events whose publisher may not publish their type to the dead letters, and delivers the others', async () => {
    const seen = await record(bus, { service, types: [allowed, foreign] });
    publish(eventsExchange, foreign, { messageId: 'foreign', userId: bench.user });
    publish(eventsExchange, allowed, { messageId: 'anonymous' });
    publish(replaysExchange, `${service}.${foreign}`, { messageId: 'replayed', userId: bench.user });
    const event = eventOf(allowed);
    await bus.publish(event);

    const letters = await deadLetters(3);
    const reasons = letters.map(({ properties: { messageId, headers } }) => [
      messageId,
      headers?.[deadLetterHeader.reason],
      headers?.[deadLetterHeader.publisher],
    ]);
    expect(reasons.sort()).toEqual([
      ['anonymous', 'unauthorized-publisher', ''],
      ['foreign', 'unauthorized-publisher', bench.user],
      ['replayed', 'unauthorized-publisher', bench.user],
    ]);
    await eventually(() => expect(seen.deliveries.map(({ id }) => id)).toEqual([event.id]));
    expect(bus.unauthorized).toBe(3);
  });

  it('ignores the publisher header in messages that the service has not sent itself', async () => {
    const seen = await record(bus, { service, types: [allowed] });
    publish(eventsExchange, allowed, {
      messageId: 'claimed',
      headers: { [deadLetterHeader.publisher]: bench.user, [deadLetterHeader.attempt]: 2 },
    });
    await deadLetters(1);
    expect(seen.deliveries).toEqual([]);
  });

  it('knows the first publisher after delays, dead letters and a manual retry', async () => {
    let refuse = true;
    const seen = await record(bus, { service, types: [allowed] }, ({ attempt }) => {
      const error = new Error('on purpose');
      if (attempt === 1) return { kind: 'retry', error };
      return refuse ? { kind: 'dead', reason: 'permanent', error } : { kind: 'done' };
    });
    await bus.publish(eventOf(allowed));
    publish(eventsExchange, allowed, { messageId: 'anonymous' });
    await eventually(async () => {
      expect((await bench.raw.checkQueue(deadQueue(service))).messageCount).toBe(2);
    });
    refuse = false;

    const operator = await openOperator({ url: bench.url, service });
    const held = await operator.hold({ scan: 10, limit: 10 });
    for (const letter of held.letters) expect(await held.retry(letter)).toBe('retried');
    await held.release();
    await operator.close();

    await eventually(() => expect(seen.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2]));
    const [letter] = await deadLetters(1);
    expect(letter?.properties).toMatchObject({
      messageId: 'anonymous',
      headers: { [deadLetterHeader.reason]: 'unauthorized-publisher' },
    });
  });
});
