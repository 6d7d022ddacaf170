import { describe, expect, it } from '@jest/globals';
import { defaultDurations, retryDelay } from '../src/operations/durations.js';

describe('the default durations', () => {
  it('leave a request one of its five seconds to answer after it waited for the provider', () => {
    expect(defaultDurations.answerWithinMs).toBeLessThanOrEqual(4_000);
  });

  it('let a lease cover the provider call and the settlement', () => {
    expect(defaultDurations.leaseMs).toBeGreaterThanOrEqual(defaultDurations.providerTimeoutMs + 5_000);
  });

  it('retry an open operation forever, at intervals that grow up to five minutes', () => {
    expect([1, 2, 3].map(retryDelay)).toEqual([2_000, 4_000, 8_000]);
    expect([20, 1_000].map(retryDelay)).toEqual([300_000, 300_000]);
  });
});
