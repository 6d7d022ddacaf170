import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type BrokerProcess,
  named,
  openServerFolder,
  quietPorts,
  type ServerFolder,
  startBrokerProcess,
  unavailable,
} from '@warren/testing';
import { createRabbitMqEventBus, type EventBus } from '../src/index.js';
import { silent } from './support/rabbitmq.js';
import { eventOf } from './support/recorder.js';

const missing = unavailable('rabbitmq-process');

(missing ? describe.skip : describe)(named('events that are too large for the broker', missing), () => {
  let serverFolder: ServerFolder;
  let broker: BrokerProcess;
  let bus: EventBus;
  beforeAll(async () => {
    serverFolder = await openServerFolder();
    const [amqp = 0, dist = 0, management = 0, names = 0] = await quietPorts(4);
    broker = await startBrokerProcess(
      serverFolder,
      { amqp, dist, management, names },
      { settings: 'max_message_size = 65536\n', login: { user: 'guest', password: 'guest', vhost: '' } },
    );
    bus = createRabbitMqEventBus({ url: broker.url, service: 'note', log: silent });
  }, 180_000);
  afterAll(async () => {
    await bus?.close();
    await broker?.close();
    await serverFolder?.close();
  }, 60_000);

  it('are rejected with the answer of the broker, and the others in flight are confirmed', async () => {
    const small = () => eventOf('note.written');
    const large = () => ({ ...eventOf('note.written'), body: JSON.stringify('x'.repeat(100_000)) });
    await bus.publish(small());
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) => bus.publish(index % 5 === 0 ? large() : small())),
    );
    outcomes.forEach((outcome, index) => {
      if (index % 5 > 0) expect(outcome).toEqual({ status: 'fulfilled', value: 'unroutable' });
      else {
        const answer = { code: 406, text: expect.stringContaining('size') };
        expect(outcome).toMatchObject({ reason: { kind: 'refused', answer } });
      }
    });
    expect(bus.publishing).toBe('up');
    expect(await bus.publish(small())).toBe('unroutable');
  }, 60_000);
});
