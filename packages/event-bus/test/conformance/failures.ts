import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { Verdict } from '../../src/index.js';
import { done, eventOf, record } from '../support/recorder.js';
import type { Rule } from './rule.js';

const retry = (message = 'not yet'): Verdict => ({ kind: 'retry', error: new Error(message) });

/** What happens when handling does not succeed. */
export const failuresRules: readonly Rule[] = [
  {
    id: 'retry-delays',
    promise: 'a temporary failure comes again after each delay, counted',
    async run({ fixture, bus, service, type }) {
      const seen = await record(bus, { service, types: [type] }, ({ attempt }) =>
        attempt < 3 ? retry() : done,
      );
      const event = eventOf(type);
      await bus.publish(event);
      await eventually(() => expect(seen.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]));
      expect(seen.deliveries.at(-1)).toMatchObject(event);
      const [first = 0, second = 0, third = 0] = seen.times;
      expect(second - first).toBeGreaterThanOrEqual(55);
      expect(third - second).toBeGreaterThanOrEqual(145);
      expect(await fixture.deadLetters(service)).toEqual([]);
    },
  },
  {
    id: 'retries-exhausted',
    promise: 'after the last delay the event is a dead letter',
    async run({ fixture, bus, service, type }) {
      const before = Date.now();
      const seen = await record(bus, { service, types: [type] }, () => retry('never works'));
      const event = eventOf(type);
      bus.publish(event).catch(() => undefined);
      const [letter] = await eventually(async () => {
        const letters = await fixture.deadLetters(service);
        expect(letters).toHaveLength(1);
        return letters;
      });
      expect(letter).toMatchObject({
        id: event.id,
        reason: 'retries-exhausted',
        attempts: 3,
        errorMessage: 'never works',
      });
      // The first failure, not the last: both delays lie after it.
      const firstFailure = Date.parse(letter?.firstFailedAt ?? '');
      expect(firstFailure).toBeGreaterThanOrEqual(before);
      expect(firstFailure).toBeLessThanOrEqual(seen.times[1] ?? 0);
    },
  },
  {
    id: 'dead-letter',
    promise: 'a permanent failure goes there at once, with its reason',
    async run({ fixture, bus, service, type }) {
      const error = new Error('x'.repeat(100_000));
      const seen = await record(bus, { service, types: [type] }, () => ({
        kind: 'dead',
        reason: 'schema',
        error,
      }));
      const event = eventOf(type);
      bus.publish(event).catch(() => undefined);
      await eventually(async () => {
        expect(await fixture.deadLetters(service)).toMatchObject([
          { id: event.id, reason: 'schema', attempts: 1 },
        ]);
      });
      expect(seen.deliveries).toHaveLength(1);
    },
  },
  {
    id: 'infrastructure',
    promise: 'a throw counts no attempt: it waits for the probe, then goes on',
    async run({ fixture, bus, service, type }) {
      let broken = true;
      let probes = 0;
      const attempts: number[] = [];
      await bus.subscribe({
        service,
        types: [type],
        async handle(batch) {
          attempts.push(...batch.map(({ attempt }) => attempt));
          if (broken) throw new Error('the pool is gone');
          return batch.map(() => done);
        },
        async probe() {
          probes += 1;
          if (probes < 3) throw new Error('still gone');
          broken = false;
        },
      });
      bus.publish(eventOf(type)).catch(() => undefined);
      await eventually(() => expect(attempts).toEqual([1, 1]));
      expect(probes).toBe(3);
      expect(await fixture.deadLetters(service)).toEqual([]);
    },
  },
  {
    id: 'wrong-verdicts',
    promise: 'a wrong number of verdicts decides nothing',
    async run({ bus, service, type }) {
      let calls = 0;
      let probes = 0;
      await bus.subscribe({
        service,
        types: [type],
        async handle(batch) {
          calls += 1;
          return calls === 1 ? [] : batch.map(() => done);
        },
        async probe() {
          probes += 1;
        },
      });
      await bus.publish(eventOf(type));
      await eventually(() => expect(calls).toBe(2));
      expect(probes).toBe(1);
    },
  },
];
