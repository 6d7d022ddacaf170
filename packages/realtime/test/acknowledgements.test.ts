import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { ConsumeMessage } from 'amqplib';
import { acknowledgements } from '../src/nodes/acknowledgements.js';

const messages = [1, 2, 3].map((deliveryTag) => ({ fields: { deliveryTag } }) as ConsumeMessage);

describe('acknowledgements', () => {
  it('are one frame for all that came in one turn', async () => {
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

  it('of a channel that begins to close meanwhile do not end the process', async () => {
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
