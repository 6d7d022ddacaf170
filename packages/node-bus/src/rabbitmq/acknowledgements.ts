import type { Channel, ConsumeMessage } from 'amqplib';

/** Acknowledges with one frame everything that came in one turn of the event loop. */
export function acknowledgements(channel: Pick<Channel, 'ack'>): (message: ConsumeMessage) => void {
  let newest: ConsumeMessage | undefined;

  function acknowledge(): void {
    if (!newest) return;
    const message = newest;
    newest = undefined;
    try {
      channel.ack(message, true);
    } catch {
      // The channel is closed or about to close, and its queue goes with it.
    }
  }

  return (message) => {
    if (!newest) setImmediate(acknowledge);
    newest = message;
  };
}
