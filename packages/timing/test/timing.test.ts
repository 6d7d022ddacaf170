import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it, jest } from '@jest/globals';
import {
  aborted,
  after,
  backOffMs,
  DeadlineError,
  fullyJittered,
  jittered,
  withDeadline,
  withFallback,
} from '../src/index.js';

const never = new Promise<never>(() => undefined);
const draws = (draw: () => number) => Array.from({ length: 500 }, draw);

describe('backOffMs', () => {
  it('doubles the delay with each failure up to its bound', () => {
    const delays = [1, 2, 4, 5, 5_000].map((failures) => backOffMs(failures, { firstMs: 100, maxMs: 1_000 }));
    expect(delays).toEqual([100, 200, 800, 1_000, 1_000]);
  });
});

describe('jitter', () => {
  it('varies a delay by up to a quarter', () => {
    const delays = draws(() => jittered(1_000));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(750);
    expect(Math.min(...delays)).toBeLessThan(850);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1_250);
    expect(Math.max(...delays)).toBeGreaterThan(1_150);
  });

  it('in full, draws a delay from 20 ms to the given one', () => {
    const delays = draws(() => fullyJittered(1_000));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(20);
    expect(Math.min(...delays)).toBeLessThan(200);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1_000);
    expect(Math.max(...delays)).toBeGreaterThan(800);
  });
});

describe('withDeadline', () => {
  it('settles as the work does', async () => {
    expect(await withDeadline(Promise.resolve('done'), 1_000, 'too slow')).toBe('done');
    await expect(withDeadline(Promise.reject(new Error('no')), 1_000, 'too slow')).rejects.toThrow('no');
  });

  it('rejects when the deadline has passed', async () => {
    await expect(withDeadline(never, 5, 'too slow')).rejects.toThrow(new DeadlineError('too slow'));
    const own = new TypeError('own');
    await expect(withDeadline(never, 5, own)).rejects.toBe(own);
  });
});

describe('withFallback', () => {
  it('settles as the work does', async () => {
    expect(await withFallback(Promise.resolve('done'), 1_000, 'late')).toBe('done');
    await expect(withFallback(Promise.reject(new Error('no')), 1_000, 'late')).rejects.toThrow('no');
  });

  it('resolves to the fallback when the work takes too long', async () => {
    expect(await withFallback(never, 5, 'late')).toBe('late');
  });

  it('resolves to a result that arrived in time although the event loop was blocked', async () => {
    const { port1, port2 } = new MessageChannel();
    const outcome = withFallback(once(port2, 'message'), 10, 'late');
    port1.postMessage('result');
    const end = Date.now() + 50;
    while (Date.now() < end);
    expect(await outcome).toEqual(['result']);
    port1.close();
  });
});

describe('after', () => {
  it('runs after a delay that is longer than a timer of Node.js allows, unless it is cancelled', () => {
    jest.useFakeTimers();
    try {
      const runs: string[] = [];
      const delay = 2 ** 31 + 1_000;
      after(delay, () => runs.push('run'));
      after(delay, () => runs.push('cancelled'))();
      jest.advanceTimersByTime(delay - 1);
      expect(runs).toEqual([]);
      jest.advanceTimersByTime(1);
      expect(runs).toEqual(['run']);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('aborted', () => {
  it('rejects with the reason of the signal, now or when it is aborted', async () => {
    const stop = new AbortController();
    const early = aborted(stop.signal);
    stop.abort(new Error('stopped'));
    await expect(early).rejects.toThrow('stopped');
    await expect(aborted(stop.signal)).rejects.toThrow('stopped');
  });
});
