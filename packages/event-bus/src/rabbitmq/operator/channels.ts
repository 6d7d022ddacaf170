import { within } from '@warren/amqp-link';
import type { ChannelModel, ConfirmChannel } from 'amqplib';

/** The longest wait for any of the broker's answers, in milliseconds. */
export const answerMs = 10_000;

/** Without a listener an error on a channel would end the process. */
export async function quietChannel(model: ChannelModel): Promise<ConfirmChannel> {
  const channel = await within(answerMs, model.createConfirmChannel(), 'the broker opened no channel');
  channel.on('error', () => undefined);
  return channel;
}

export async function closeQuietly(channel: ConfirmChannel): Promise<void> {
  try {
    await within(answerMs, channel.close(), 'the broker did not answer');
  } catch {
    // Closed already: what it held is given back all the same.
  }
}
