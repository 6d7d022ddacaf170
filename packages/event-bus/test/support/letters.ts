import { connect } from 'amqplib';
import { brokerNames, createRabbitMqEventBus, deadLetterHeader } from '../../src/index.js';
import { type Bench, silent } from './rabbitmq.js';

const { deadQueue, eventsQueue, failuresExchange } = brokerNames();

export const retryDelays = [40];

/** Declares the service's queues as the service does, without a consumer. */
export async function declareQueuesOf(
  bench: Bench,
  service: string,
  types: readonly string[],
): Promise<void> {
  const bus = createRabbitMqEventBus({ url: bench.url, service, retryDelays, log: silent });
  await bus.subscribe({ service, types, handle: async () => [], probe: async () => undefined });
  await bus.close();
}

/** Publishes dead letters as the service would. Their ids are `letter-0`, `letter-1`, … */
export async function putLetters(
  bench: Bench,
  service: string,
  count: number,
  properties: { type?: string; headers?: Record<string, unknown> } = {},
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `letter-${index}`);
  for (const id of ids) {
    bench.raw.publish(failuresExchange(service), deadQueue(service), Buffer.from(JSON.stringify({ id })), {
      persistent: true,
      userId: bench.user,
      messageId: id,
      appId: 'producer',
      timestamp: 1_750_000_000,
      type: properties.type ?? 'thing.happened',
      headers: properties.headers ?? {
        [deadLetterHeader.reason]: 'permanent',
        [deadLetterHeader.attempts]: 2,
        [deadLetterHeader.firstFailedAt]: '2026-01-02T03:04:05.678Z',
        [deadLetterHeader.errorMessage]: 'no such thing',
        [deadLetterHeader.errorStack]: 'Error: no such thing\n    at somewhere',
      },
    });
  }
  await bench.raw.waitForConfirms();
  return ids;
}

/** The numbers of waiting messages. */
export async function waiting(bench: Bench, service: string): Promise<{ events: number; dead: number }> {
  const [events, dead] = await Promise.all([
    bench.raw.checkQueue(eventsQueue(service)),
    bench.raw.checkQueue(deadQueue(service)),
  ]);
  return { events: events.messageCount, dead: dead.messageCount };
}

/**
 * Takes the one message of the events queue and closes the channel, as a crash would, until the message is a dead letter.
 * Resolves to the number of crashes.
 */
export async function crashUntilDead(url: string, service: string): Promise<number> {
  const model = await connect(url, { noDelay: true });
  try {
    for (let crashes = 0; ; ) {
      const channel = await model.createChannel();
      const message = await channel.get(eventsQueue(service));
      if (message) crashes += 1;
      // An empty queue alone proves nothing: the message may still be on its way back from the last crash.
      const { messageCount } = await channel.checkQueue(deadQueue(service));
      await channel.close();
      if (!message && messageCount > 0) return crashes;
    }
  } finally {
    await model.close();
  }
}
