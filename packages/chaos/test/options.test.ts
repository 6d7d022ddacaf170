import { describe, expect, it } from '@jest/globals';
import { UsageError } from '@warren/testing';
import { readOptions } from '../src/options.js';

describe('options', () => {
  it('take ten minutes at five faults a minute unless told otherwise', () => {
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
  ])('refuse %j', (argv) => {
    expect(() => readOptions(argv)).toThrow(UsageError);
  });
});
