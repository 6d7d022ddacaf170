import { withDeadline } from '@warren/timing';
import type { ChannelModel, ConfirmChannel } from 'amqplib';

/** Milliseconds to wait for any answer of the broker. */
export const answerTimeoutMs = 10_000;

/** Opens a channel whose errors do not end the process. */
export async function quietChannel(model: ChannelModel): Promise<ConfirmChannel> {
  const channel = await withDeadline(
    model.createConfirmChannel(),
    answerTimeoutMs,
    'the broker opened no channel',
  );
  channel.on('error', () => undefined);
  return channel;
}

/** The broker gives back what the channel holds, even if it does not answer. Never rejects. */
export async function closeQuietly(channel: ConfirmChannel): Promise<void> {
  try {
    await withDeadline(channel.close(), answerTimeoutMs, 'the broker did not answer');
  } catch {
    // The channel is closed already, or is lost with its connection.
  }
}

/** Does `work` on a channel of its own, which the broker closes if it refuses. */
export async function onOwnChannel<T>(
  model: ChannelModel,
  work: (channel: ConfirmChannel) => Promise<T>,
): Promise<T> {
  const channel = await quietChannel(model);
  try {
    return await withDeadline(work(channel), answerTimeoutMs, 'the broker did not answer');
  } finally {
    await closeQuietly(channel);
  }
}
