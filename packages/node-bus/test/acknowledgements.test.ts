import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { acknowledgements } from '../src/rabbitmq/acknowledgements.js';

const messages = [1, 2, 3].map((deliveryTag) => ({ fields: { deliveryTag } }) as ConsumeMessage);

describe('acknowledgements', () => {
  it('acknowledges with one frame everything that came in one turn', async () => {
    const acked: [number, boolean | undefined][] = [];
    const acknowledge = acknowledgements({
      ack: ({ fields }, upTo) => void acked.push([fields.deliveryTag, upTo]),
    });
    for (const message of messages) acknowledge(message);
    await nextTurn();
    for (const message of messages.slice(0, 1)) acknowledge(message);
    await nextTurn();
    expect(acked).toEqual([
      [3, true],
      [1, true],
    ]);
  });

  it('survives a channel that closes before the acknowledgement', async () => {
    let tries = 0;
    const acknowledge = acknowledgements({
      ack() {
        tries += 1;
        throw new Error('Channel closing');
      },
    });
    for (const message of messages) acknowledge(message);
    await nextTurn();
    expect(tries).toBe(1);
  });
});
