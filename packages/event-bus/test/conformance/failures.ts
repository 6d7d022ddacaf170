import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import type { Verdict } from '../../src/index.js';
import { done, eventOf, record } from '../support/recorder.js';
import { conformanceRetryDelays, type Rule } from './rule.js';

const retry = (message = 'not yet'): Verdict => ({ kind: 'retry', error: new Error(message) });

const busy: Verdict = { kind: 'busy', error: new Error('others hold it') };

/** What happens when a handler fails. */
export const failuresRules: readonly Rule[] = [
  {
    id: 'retry-delays',
    promise: 'retries an event after each delay, counting attempts, on a temporary failure',
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
    promise: 'moves an event to the dead letters after the last delay',
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
      // This is the time of the first failure, before both delays.
      const firstFailure = Date.parse(letter?.firstFailedAt ?? '');
      expect(firstFailure).toBeGreaterThanOrEqual(before);
      expect(firstFailure).toBeLessThanOrEqual(seen.times[1] ?? 0);
    },
  },
  {
    id: 'dead-letter',
    promise: 'moves an event to the dead letters at once, with the reason, on a permanent failure',
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
    promise: 'counts no attempt if the handler throws, and calls it again after the probe',
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
    id: 'busy',
    promise: 'retries a busy delivery while it delivers new ones, and counts no attempt',
    async run({ fixture, bus, service, type }) {
      const free = gate();
      let isFree = false;
      const calls: { ids: string[]; patient: boolean }[] = [];
      const handled: string[] = [];
      const attempts = new Set<number>();
      await bus.subscribe({
        service,
        types: [type],
        async handle(batch, { patient = false } = {}) {
          calls.push({ ids: batch.map(({ id }) => id), patient });
          for (const { attempt } of batch) attempts.add(attempt);
          if (patient) await Promise.race([free.opened, sleep(50)]);
          return batch.map(({ id }) => {
            if (id.startsWith('held') && !isFree) return busy;
            handled.push(id);
            return done;
          });
        },
        probe: async () => undefined,
      });
      const held = ['held-1', 'held-2', 'held-3'].map((id) => eventOf(type, id));
      for (const event of held) bus.publish(event).catch(() => undefined);
      await eventually(() => expect(calls.filter(({ patient }) => patient).length).toBeGreaterThan(3));
      await bus.publish(eventOf(type, 'new'));
      await eventually(() => expect(handled).toEqual(['new']));
      // Each delivery is the first of a patient call in its turn.
      await eventually(() => {
        const firsts = calls.filter(({ patient }) => patient).map(({ ids }) => ids[0]);
        expect(new Set(firsts)).toEqual(new Set(['held-1', 'held-2', 'held-3']));
      });
      isFree = true;
      free.open();
      await eventually(() => expect(handled.toSorted()).toEqual(['held-1', 'held-2', 'held-3', 'new']));
      expect([...attempts]).toEqual([1]);
      expect(await fixture.deadLetters(service)).toEqual([]);
    },
  },
  {
    id: 'busy-many',
    promise: 'postpones busy deliveries if they take more than half of the prefetch, and counts no attempt',
    async run({ fixture, bus, service, type }) {
      let isFree = false;
      const handled: string[] = [];
      const attempts = new Set<number>();
      await bus.subscribe({
        service,
        types: [type],
        prefetch: 4,
        batchSize: 2,
        async handle(batch, { patient = false } = {}) {
          if (patient) await sleep(20);
          return batch.map(({ id, attempt }) => {
            attempts.add(attempt);
            if (id.startsWith('held') && !isFree) return busy;
            handled.push(id);
            return done;
          });
        },
        probe: async () => undefined,
      });
      const held = Array.from({ length: 6 }, (_, index) => `held-${index}`);
      for (const id of held) bus.publish(eventOf(type, id)).catch(() => undefined);
      for (const id of ['new-1', 'new-2', 'new-3']) bus.publish(eventOf(type, id)).catch(() => undefined);
      await eventually(() => expect(handled.toSorted()).toEqual(['new-1', 'new-2', 'new-3']));
      // This takes longer than all retries of a failed delivery.
      await sleep(2 * conformanceRetryDelays.reduce((sum, delay) => sum + delay));
      isFree = true;
      await eventually(() => expect(new Set(handled)).toEqual(new Set([...held, 'new-1', 'new-2', 'new-3'])));
      expect([...attempts]).toEqual([1]);
      expect(await fixture.deadLetters(service)).toEqual([]);
    },
  },
  {
    id: 'busy-crash',
    promise: 'does not acknowledge a busy delivery together with others',
    needs: 'crash',
    async run({ fixture, bus, service, type }) {
      const seen: string[] = [];
      await bus.subscribe({
        service,
        types: [type],
        async handle(batch, { patient = false } = {}) {
          if (patient) await sleep(20);
          seen.push(...batch.map(({ id }) => id));
          return batch.map(({ id }) => (id === 'held' ? busy : done));
        },
        probe: async () => undefined,
      });
      await bus.publish(eventOf(type, 'held'));
      await eventually(() => expect(seen.filter((id) => id === 'held').length).toBeGreaterThan(1));
      await bus.publish(eventOf(type, 'later'));
      await eventually(() => expect(seen).toContain('later'));
      await fixture.crash?.(bus);
      await bus.close();
      const next = await record(await fixture.connect(), { service, types: [type] });
      await eventually(() => expect(next.deliveries.map(({ id }) => id)).toContain('held'));
    },
  },
  {
    id: 'wrong-verdicts',
    promise: 'settles nothing if the handler returns a wrong number of verdicts',
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
