import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { pino } from 'pino';
import { rounds } from '../src/index.js';

const log = pino({ level: 'silent' });
const longMs = 3_600_000;

describe('rounds', () => {
  it('follow each other at once while there is more work, and continue after a failure', async () => {
    let count = 0;
    const background = rounds({
      name: 'test',
      everyMs: 1,
      log,
      async round() {
        count += 1;
        if (count === 2) throw new Error('on purpose');
        return count < 5;
      },
    });
    background.start();
    await eventually(() => expect(count).toBeGreaterThan(5));
    await background.stop();
    const last = count;
    await new Promise((resolve) => setImmediate(resolve));
    expect(count).toBe(last);
  });

  it('stop at once between two rounds, and after a running round otherwise', async () => {
    let ended = false;
    let inside: () => void = () => undefined;
    const entered = new Promise<void>((resolve) => {
      inside = resolve;
    });
    const running = rounds({
      name: 'test',
      everyMs: longMs,
      log,
      async round(signal) {
        inside();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended = true;
        return true;
      },
    });
    running.start();
    await entered;
    await running.stop();
    expect(ended).toBe(true);
    const waiting = rounds({
      name: 'test',
      everyMs: longMs,
      firstAfterMs: longMs,
      log,
      round: async () => true,
    });
    waiting.start();
    await waiting.stop();
  });
});
