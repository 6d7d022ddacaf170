import type { ConfirmChannel } from 'amqplib';
import type { PublishReceipt } from '../port.js';
import type { Outgoing } from './messages.js';

/**
 * Publishes on a channel on which nothing else is published meanwhile. So a returned message is this one, and an error
 * that closes the channel is about this one. Rejects with the broker's error, which has the AMQP reply code. Has no
 * time-out.
 */
export function publishAlone(channel: ConfirmChannel, message: Outgoing): Promise<PublishReceipt> {
  return new Promise((resolve, reject) => {
    let receipt: PublishReceipt = 'confirmed';
    let channelError: Error | undefined;
    const onReturn = () => {
      receipt = 'unroutable';
    };
    const onError = (error: Error) => {
      channelError = error;
    };
    const answered = (error: unknown) => {
      channel.removeListener('return', onReturn);
      channel.removeListener('error', onError);
      if (error) reject(channelError ?? error);
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
