import type { Channel, ConsumeMessage } from 'amqplib';

/** Acknowledges with one frame all that came in one turn of the event loop. */
export function acknowledgements(channel: Pick<Channel, 'ack'>): (message: ConsumeMessage) => void {
  let newest: ConsumeMessage | undefined;

  function acknowledge(): void {
    if (!newest) return;
    const message = newest;
    newest = undefined;
    try {
      channel.ack(message, true);
    } catch {
      // Closed, or about to close: its queue goes with it, and nobody waits for what was in there.
    }
  }

  return (message) => {
    if (!newest) setImmediate(acknowledge);
    newest = message;
  };
}
