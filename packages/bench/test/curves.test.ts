import { describe, expect, it } from '@jest/globals';
import { UsageError } from '@warren/testing';
import { readCurvesOptions } from '../src/curves/options.js';
import { plot } from '../src/curves/plot.js';
import { type Curves, intoPage, report } from '../src/curves/report.js';
import { readStormOptions } from '../src/storm/options.js';

const curves: Curves = {
  relay: [
    { way: 'poll', instances: 1, perTransaction: 1, perSecond: 200 },
    { way: 'nudge', instances: 1, perTransaction: 1, perSecond: 500 },
  ],
  consumer: [
    { instances: 1, batchSize: 1, perSecond: 100 },
    { instances: 1, batchSize: 10, perSecond: 850 },
  ],
  outages: [
    {
      instances: 1,
      rows: 50_000,
      waiting: [
        { seconds: 0, rows: 50_000 },
        { seconds: 10, rows: 0 },
      ],
      secondsToFirst: 1.5,
      secondsToLast: 10,
      memory: { before: 90e6, peakWhileDown: 110e6, peak: 120e6 },
    },
  ],
};

describe('throughput curves', () => {
  it('are shown as tables of ratios to the first line, and replace the tables of the page', () => {
    const text = report(curves);
    expect(text).toMatch(/\| nudge +\| 1 +\| 1 +\| 500 +\| ×2\.50 \|/);
    expect(text).toMatch(/\| 1 +\| 10 +\| 850 +\| ×8\.50 \|/);
    expect(text).toMatch(
      /Broker away, 50000 rows.*\| 1 +\| 1\.5 +\| 10\.0 +\| ×1\.00 \| 90 +\| 110 +\| 120 +\|/s,
    );
    const page = 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n';
    const once = intoPage(page, curves);
    expect(once).not.toContain('old');
    expect(intoPage(once, curves)).toBe(once);
    expect(() => intoPage('no place', curves)).toThrow('the page has no');
  });

  it('are drawn from zero to above the highest value', () => {
    const drawn = plot(curves);
    expect(drawn).toMatch(/^<svg [^>]*>.*<\/svg>\n$/s);
    expect(drawn).toContain('d="M48 90.5L348 188" fill="none"');
    expect(drawn).not.toContain('NaN');
  });

  it.each([['--events', '0'], ['--rows', '100000'], ['--nonsense']])(
    'reject the options %s %s',
    (...argv) => {
      expect(() => readCurvesOptions(argv.filter((word) => word !== undefined))).toThrow(UsageError);
    },
  );
});

describe('storm options', () => {
  it('allow no more clients per user than a node accepts, and fewer cuts than broadcasts', () => {
    expect(() => readStormOptions(['--clients', '100', '--users', '4'])).toThrow(UsageError);
    expect(() => readStormOptions(['--cuts', '10', '--broadcasts', '10'])).toThrow(UsageError);
    expect(readStormOptions([])).toMatchObject({ clients: 2_000, broadcasts: 120, cuts: 8 });
  });
});
