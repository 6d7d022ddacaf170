import { describe, expect, it } from '@jest/globals';
import { defaultTiming, retryDelay } from '../src/operations/timing.js';

describe('timing', () => {
  it('a request that waits for its provider has a second left to answer within five', () => {
    expect(defaultTiming.answerWithinMs).toBeLessThanOrEqual(4_000);
  });

  it('a lease covers the call and leaves time to settle it', () => {
    expect(defaultTiming.leaseMs).toBeGreaterThanOrEqual(defaultTiming.providerTimeoutMs + 5_000);
  });

  it('open operations are asked about less and less often, but always again', () => {
    expect([1, 2, 3].map(retryDelay)).toEqual([2_000, 4_000, 8_000]);
    expect([20, 1_000].map(retryDelay)).toEqual([300_000, 300_000]);
  });
});
