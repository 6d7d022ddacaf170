import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { closedLoop, openLoop } from '../src/driver/loops.js';
import { quantile } from '../src/stats.js';

const pause = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

describe('the open loop', () => {
  it('counts a stall against every event that was due in it', async () => {
    let sent = 0;
    const latencies = await openLoop(
      async () => {
        sent += 1;
        if (sent === 10) pause(300);
        return performance.now();
      },
      100,
      1,
    );
    expect(latencies).toHaveLength(100);
    // 30 events were due in the stall. Measured from their sending, only one of them would be slow.
    expect(quantile(latencies, 0.85)).toBeGreaterThan(100);
  });

  it('continues to send while answers are pending', async () => {
    let pending = 0;
    let maxPending = 0;
    const pay = async () => {
      pending += 1;
      maxPending = Math.max(maxPending, pending);
      await sleep(100);
      pending -= 1;
      return performance.now();
    };
    await openLoop(pay, 100, 1);
    expect(maxPending).toBeGreaterThan(5);
  });

  it('fails with the first failure', async () => {
    const pay = () => Promise.reject(new Error('answered 500'));
    await expect(openLoop(pay, 100, 1)).rejects.toThrow('answered 500');
  });
});

describe('the closed loop', () => {
  it('keeps as many payments pending as allowed, and measures until the last arrival', async () => {
    const began: number[] = [];
    const arrived: number[] = [];
    let pending = 0;
    let maxPending = 0;
    const pay = async () => {
      began.push(performance.now());
      pending += 1;
      maxPending = Math.max(maxPending, pending);
      await sleep(100);
      pending -= 1;
      const now = performance.now();
      arrived.push(now);
      return now;
    };
    const start = performance.now();
    const { events, elapsedMs } = await closedLoop(pay, 4, 0.25);
    expect(maxPending).toBe(4);
    expect(events).toBe(arrived.length);
    expect(began).toHaveLength(arrived.length);
    expect(elapsedMs).toBeGreaterThanOrEqual(250);
    // The loop starts between these two times.
    expect(elapsedMs).toBeGreaterThanOrEqual(Math.max(...arrived) - Math.min(...began));
    expect(elapsedMs).toBeLessThanOrEqual(Math.max(...arrived) - start);
  });
});
