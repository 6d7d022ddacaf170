import { randomUUID } from 'node:crypto';
import { type ChannelSession, codeOf } from '@warren/amqp-link';
import type { BrokerNames } from './names.js';
import type { Publisher } from './publisher.js';
import { checkKey } from './topology.js';

/**
 * Whether the bindings of a service's queue still exist. When an exchange is deleted, its bindings go with it, and AMQP
 * can't list bindings. But the binding from the events exchange to the service's own exchange (see `bindQueue`) goes as
 * well. So this sends a message along that binding to a temporary queue, and checks that it arrives. It isn't enough that
 * the broker does not return the message, since some other queue may be bound to every key.
 *
 * Resolves to undefined if that can't be told now. Rejects if the broker refuses or the channel is closed. The events
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
