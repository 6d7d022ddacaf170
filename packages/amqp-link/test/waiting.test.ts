import { describe, expect, it } from '@jest/globals';
import { backOffDelay } from '../src/index.js';

describe('backOffDelay', () => {
  it('draws delays from a range that doubles with each attempt up to its bound', () => {
    const backOff = { firstMs: 100, maxMs: 1_000 };
    for (const [attempt, ceiling] of [
      [0, 100],
      [1, 200],
      [3, 800],
      [4, 1_000],
      [5_000, 1_000],
    ] as const) {
      const draws = Array.from({ length: 500 }, () => backOffDelay(attempt, backOff));
      expect(Math.max(...draws)).toBeLessThanOrEqual(ceiling);
      expect(Math.max(...draws)).toBeGreaterThan(ceiling * 0.8);
      expect(Math.min(...draws)).toBeGreaterThanOrEqual(20);
      expect(Math.min(...draws)).toBeLessThan(Math.max(21, ceiling * 0.2) + 1);
    }
  });
});
