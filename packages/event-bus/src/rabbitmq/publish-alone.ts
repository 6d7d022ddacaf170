import type { ConfirmChannel } from 'amqplib';
import type { PublishReceipt } from '../port.js';
import type { Outgoing } from './messages.js';

/**
 * Publishes on a channel on which nothing else is published meanwhile, so that whatever is returned is this message,
 * and whatever closes the channel is about it. Rejects with the broker's error, which then holds an AMQP reply code;
 * never answers where the broker never does.
 */
export function publishAlone(channel: ConfirmChannel, message: Outgoing): Promise<PublishReceipt> {
  return new Promise((resolve, reject) => {
    let receipt: PublishReceipt = 'confirmed';
    let reason: Error | undefined;
    const onReturn = () => {
      receipt = 'unroutable';
    };
    const onError = (error: Error) => {
      reason = error;
    };
    const answered = (error: unknown) => {
      channel.removeListener('return', onReturn);
      channel.removeListener('error', onError);
      if (error) reject(reason ?? error);
      else resolve(receipt);
    };
    channel.once('return', onReturn);
    channel.once('error', onError);
    const { exchange, routingKey, content, properties } = message;
    try {
      channel.publish(exchange, routingKey, content, { ...properties, mandatory: true }, answered);
    } catch (error) {
      answered(error);
    }
  });
}
