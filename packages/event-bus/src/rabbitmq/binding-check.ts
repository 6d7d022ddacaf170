import { randomUUID } from 'node:crypto';
import { type ChannelSession, codeOf } from '@warren/amqp-link';
import type { Publisher } from './publisher.js';
import { checkKey, eventsExchange, failuresExchange } from './topology.js';

/**
 * Whether the bindings of a service's queue still stand: an exchange that was deleted took them along, and AMQP has no
 * question for them. A binding beside them, from the events exchange to the service's own one, went with them, so a
 * message that takes that way tells. That it isn't returned tells nothing, since a queue that somebody bound to
 * everything takes it too.
 *
 * Undefined where that can't be told now. The events exchange must exist.
 */
export async function isBound(
  { scratch }: ChannelSession,
  publisher: Publisher,
  service: string,
): Promise<boolean | undefined> {
  const id = randomUUID();
  const queue = `warren.${service}.topology.${id}`;
  const key = checkKey(service, id);
  try {
    return await scratch(async (channel) => {
      await channel.assertQueue(queue, {
        exclusive: true,
        durable: false,
        arguments: { 'x-queue-type': 'classic', 'x-expires': 60_000 },
      });
      try {
        await channel.bindQueue(queue, failuresExchange(service), key);
        const reached = await publisher.reaches(eventsExchange, key);
        return reached && (await channel.get(queue, { noAck: true })) !== false;
      } finally {
        await channel.deleteQueue(queue).catch(() => undefined);
      }
    });
  } catch (error) {
    // The service's own exchange is missing.
    if (codeOf(error) === 404) return false;
    throw error;
  }
}
