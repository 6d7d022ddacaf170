import { describe, expect, it } from '@jest/globals';
import { UsageError } from '@warren/testing';
import { readOptions } from '../src/options.js';

describe('options', () => {
  it('default to ten minutes with five faults a minute', () => {
    expect(readOptions(['--seed', '7'])).toMatchObject({
      minutes: 10,
      faultsPerMinute: 5,
      seed: 7,
      json: false,
    });
    expect(readOptions(['--minutes', '0.5', '--json'])).toMatchObject({ minutes: 0.5, json: true });
  });

  it.each([
    [['--minutes', 'ten']],
    [['--minutes', '0']],
    [['--seed', '1.5']],
    [['--people', '0']],
    [['--faults-per-minute', '']],
    [['--nothing']],
    [['seed']],
  ])('reject %j', (argv) => {
    expect(() => readOptions(argv)).toThrow(UsageError);
  });
});
