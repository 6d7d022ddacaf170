import { describe, expect, it } from '@jest/globals';
import { retryDelay, worthTellingMs } from '../src/domain/retries.js';

describe('retries of a delivery', () => {
  it('come at growing intervals and end', () => {
    const now = new Date();
    const giveUpAt = new Date(now.getTime() + worthTellingMs);
    const delays = [1, 2, 3, 10, 11, 50].map((attempts) => retryDelay(attempts, { now, giveUpAt }, 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000]);
    expect(retryDelay(1, { now, giveUpAt }, 1)).toBe(4_000);
    expect(retryDelay(100, { now, giveUpAt })).toBeUndefined();
    expect(retryDelay(1, { now, giveUpAt: new Date(now.getTime() + 3_000) })).toBeUndefined();
  });

  it('of a mail that somebody is waiting for come once a minute, or spread over its whole validity', () => {
    const now = new Date();
    const until = (minutes: number) => ({
      now,
      giveUpAt: new Date(now.getTime() + minutes * 60_000),
      isAwaited: true,
    });
    const delays = [1, 2, 3, 10, 90].map((attempts) => retryDelay(attempts, until(30), 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 60_000, 180_000]);
    expect(retryDelay(20, until(24 * 60), 0)).toBe((24 * 3_600_000) / 80);
  });

  it.each([30, 24 * 60])('of a mail that is valid for %i minutes last nearly until it expires', (minutes) => {
    const start = Date.now();
    const giveUpAt = new Date(start + minutes * 60_000);
    let at = start;
    for (let attempts = 1; ; attempts += 1) {
      const delay = retryDelay(attempts, { now: new Date(at), giveUpAt, isAwaited: true });
      if (delay === undefined) break;
      at += delay;
    }
    expect(at).toBeGreaterThan(start + 0.9 * minutes * 60_000);
  });
});
