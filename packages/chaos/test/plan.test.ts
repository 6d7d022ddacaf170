import { describe, expect, it } from '@jest/globals';
import { planActions } from '../src/plan/actions.js';
import { nameOf, planFaults } from '../src/plan/faults.js';

const minutes = (n: number) => n * 60_000;
const actions = (seed: number) => planActions({ seed, durationMs: minutes(2), perSecond: 5, people: 3 });

describe('a plan', () => {
  it('is the same for the same seed', () => {
    expect(planFaults(7, minutes(10), 50)).toEqual(planFaults(7, minutes(10), 50));
    expect(planFaults(7, minutes(10), 50)).not.toEqual(planFaults(8, minutes(10), 50));
    expect(actions(7)).toEqual(actions(7));
    expect(actions(7)).not.toEqual(actions(8));
  });

  it.each([1, 2, 3])(
    'with seed %i contains every kind of fault within ten minutes, in order of time',
    (seed) => {
      const faults = planFaults(seed, minutes(10), 50);
      expect(faults).toHaveLength(50);
      const times = faults.map(({ at }) => at);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.every((at) => at > 0 && at < minutes(10))).toBe(true);
      expect([...new Set(faults.map(nameOf))]).toEqual(
        expect.arrayContaining([
          ...['user', 'payment', 'notification'].flatMap((service) => [
            `kill ${service}`,
            `terminate ${service}`,
            `pause ${service}`,
          ]),
          'kill-holding payment',
          'kill-holding notification',
          'restart-broker',
          'kill-broker',
          'alarm-broker memory',
          'alarm-broker disk',
          'restart-postgres',
          'kill-postgres',
          ...['broker', 'database', 'clients'].flatMap((wire) => [
            `cut ${wire}`,
            `stall ${wire}`,
            `drop ${wire}`,
            `delay ${wire}`,
          ]),
          'plant malformed',
          'plant unknown-type',
        ]),
      );
    },
  );

  it('lets people register first and then act at the given rate', () => {
    const plan = actions(1);
    expect(plan.slice(0, 3).map(({ kind }) => kind)).toEqual(['register', 'register', 'register']);
    expect(plan).toHaveLength(3 + 600);
    expect(new Set(plan.map(({ id }) => id)).size).toBe(plan.length);
  });
});
