import { describe, expect, it } from '@jest/globals';
import { maxPostponed, nextStep } from '../src/next-step.js';

const delays = [1, 5, 30];
const error = new Error('made up');
const postpone = { kind: 'postpone', error } as const;
const retry = { kind: 'retry', error } as const;

describe('a postponed delivery', () => {
  it('waits for the next delay each time, then for the last one, and keeps its attempt', () => {
    const steps = [0, 1, 2, 3, 4].map((postponed) => nextStep(postpone, { attempt: 2, postponed }, delays));
    expect(steps).toEqual(
      [1, 5, 30, 30, 30].map((delay, index) => ({ kind: 'again', delay, attempt: 2, postponed: index + 1 })),
    );
  });

  it('counts attempts once it was postponed too often', () => {
    expect(nextStep(postpone, { attempt: 1, postponed: maxPostponed }, delays)).toEqual({
      kind: 'again',
      delay: 1,
      attempt: 2,
      postponed: 0,
    });
    expect(nextStep(postpone, { attempt: 4, postponed: maxPostponed }, delays)).toEqual({
      kind: 'dead',
      reason: 'retries-exhausted',
    });
  });

  it('starts again with the first delay after a counted attempt', () => {
    expect(nextStep(retry, { attempt: 1, postponed: 7 }, delays)).toMatchObject({ attempt: 2, postponed: 0 });
  });

  it('becomes a dead letter if there is no delay', () => {
    expect(nextStep(postpone, { attempt: 1, postponed: 0 }, [])).toMatchObject({ kind: 'dead' });
  });
});
