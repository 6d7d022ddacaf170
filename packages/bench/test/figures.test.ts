import { describe, expect, it } from '@jest/globals';
import { UsageError } from '@warren/testing';
import { readOptions } from '../src/options.js';
import type { Results, Round } from '../src/rounds.js';
import { median, quantile } from '../src/stats.js';
import { summarize } from '../src/summary.js';
import { table } from '../src/table.js';

const round = (perSecond: number, p50: number): Round => ({
  atRate: new Map([[100, { result: { events: 1, p50, p99: 2 * p50, driverMs: 0 }, serverMsPerEvent: 1 }]]),
  throughput: { result: { events: 1, perSecond, driverMs: 0 }, serverMsPerEvent: 1 },
});

describe('figures', () => {
  it('are exact quantiles and medians', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7], 0.99)]).toEqual([50, 99, 7]);
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it('are ratios to the bare pipeline in the same round, not ratios of medians', () => {
    const results: Results = new Map([
      ['bare', [round(1000, 10), round(500, 20)]],
      ['warren', [round(900, 12), round(400, 22)]],
    ]);
    const [bare, warren] = summarize(results, [100]);
    expect(bare?.throughput).toEqual({ median: 750 });
    expect(warren?.throughput.median).toBe(650);
    expect(warren?.throughput.ratio?.min).toBeCloseTo(0.8);
    expect(warren?.throughput.ratio?.max).toBeCloseTo(0.9);
    expect(warren?.throughput.ratio?.median).toBeCloseTo(0.85);
    expect(table([bare, warren] as never)).toContain('650  ×0.85 (0.80–0.90)');
  });

  it.each([['--seconds', '0'], ['--rate', '100,x'], ['--rounds', '1.5'], ['--nonsense']])(
    'reject the options %s %s',
    (...argv) => {
      expect(() => readOptions(argv.filter((word) => word !== undefined))).toThrow(UsageError);
    },
  );
});
