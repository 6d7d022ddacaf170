import { randomUUID } from 'node:crypto';
import { type ChannelSession, codeOf } from '@warren/amqp-link';
import type { BrokerNames } from './names.js';
import type { Publisher } from './publisher.js';
import { checkKey } from './topology.js';

/**
 * Whether the bindings of a service's queue still exist. A deleted exchange takes its bindings along, and AMQP can't list
 * them. But it also takes along the binding from the events exchange to the service's own exchange (see `bindQueue`). So
 * this sends a message that way, to a queue that it makes for the purpose, and sees whether it arrives. It isn't enough
 * that the broker doesn't return the message: a queue that somebody bound to everything takes it too.
 *
 * Resolves to `undefined` if that can't be told now. Rejects if the broker refuses, or the channel closes. The events
 * exchange must exist.
 */
export async function isBound(
  { scratch }: ChannelSession,
  publisher: Publisher,
  names: BrokerNames,
  service: string,
): Promise<boolean | undefined> {
  const id = randomUUID();
  const queue = names.lookQueue(service, id);
  const key = checkKey(service, id);
  try {
    return await scratch(async (channel) => {
      await channel.assertQueue(queue, {
        exclusive: true,
        durable: false,
        arguments: { 'x-queue-type': 'classic', 'x-expires': 60_000 },
      });
      try {
        await channel.bindQueue(queue, names.failuresExchange(service), key);
        const reached = await publisher.reaches(names.eventsExchange, key);
        return reached && (await channel.get(queue, { noAck: true })) !== false;
      } finally {
        await channel.deleteQueue(queue).catch(() => undefined);
      }
    });
  } catch (error) {
    // 404: the service's own exchange is missing, and the binding with it.
    if (codeOf(error) === 404) return false;
    throw error;
  }
}
