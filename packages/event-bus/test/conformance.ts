import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { type EventBus, PublishError, type Verdict } from '../src/index.js';
import { done, eventOf, gate, record, uniqueName } from './support/recorder.js';

/** What an adapter brings for one case. */
export interface BusFixture {
  /** An instance of a service with a bus of its own; the same bus each time where `instances` says so. */
  connect(): Promise<EventBus>;
  /** Takes every connection of `bus` away without a goodbye, as a crash would. */
  crash?(bus: EventBus): Promise<void>;
  deadLetters(service: string): Promise<DeadLetterSeen[]>;
  /** Closes every bus that `connect` gave. */
  close(): Promise<void>;
}

export interface DeadLetterSeen {
  id: string;
  reason: string;
  attempts: number;
  firstFailedAt: string;
  errorMessage: string;
}

/** `true`, or the reason why the adapter can't. */
export type Feature = true | string;

export interface BusFeatures {
  /** A consumer can crash while the bus lives on. */
  crash: Feature;
  /** The bus takes the same id twice and delivers it twice. */
  duplicates: Feature;
  /** A confirm means that the bus has the event, not that everyone has handled it. */
  confirmsBeforeHandling: Feature;
}

/** The retry delays which `create` must configure, in milliseconds. */
export const conformanceRetryDelays: readonly number[] = [60, 150];

const retry = (message = 'not yet'): Verdict => ({ kind: 'retry', error: new Error(message) });

export function describeEventBus(options: {
  name: string;
  create: () => Promise<BusFixture>;
  features: BusFeatures;
}): void {
  /** A case by its id; one that this adapter can't run shows its reason in the report. */
  function rule(id: string, promise: string, needs: Feature, run: () => Promise<void>): void {
    if (needs === true) it(`${id}: ${promise}`, run);
    else it.skip(`${id}: ${promise} [skipped: ${needs}]`, run);
  }

  describe(`event bus: ${options.name}`, () => {
    const { features } = options;
    let fixture: BusFixture;
    let bus: EventBus;
    let service: string;
    let type: string;

    beforeEach(async () => {
      fixture = await options.create();
      bus = await fixture.connect();
      service = uniqueName('service');
      type = uniqueName('thing.happened');
    });
    afterEach(() => fixture.close());

    rule('publish-deliver', 'what is published arrives as it was', true, async () => {
      const seen = await record(bus, { service, types: [type] });
      const event = eventOf(type);
      expect(await bus.publish(event)).toBe('confirmed');
      await eventually(() => {
        expect(seen.deliveries).toEqual([{ ...event, attempt: 1, redelivered: false }]);
      });
      expect(bus.state).toBe('up');
    });

    rule('several-services', 'each service gets its own copy', true, async () => {
      const first = await record(bus, { service, types: [type] });
      const second = await record(bus, { service: uniqueName('other'), types: [type, 'another.type'] });
      const event = eventOf(type);
      await bus.publish(event);
      await eventually(() => {
        expect(first.deliveries.map(({ id }) => id)).toEqual([event.id]);
        expect(second.deliveries.map(({ id }) => id)).toEqual([event.id]);
      });
    });

    rule('unroutable', 'what nobody wants is told apart, and counts as published', true, async () => {
      const seen = await record(bus, { service, types: [type] });
      expect(await bus.publish(eventOf(uniqueName('nobody.asked')))).toBe('unroutable');
      expect(await bus.publish(eventOf(type))).toBe('confirmed');
      await eventually(() => expect(seen.deliveries).toHaveLength(1));
    });

    rule('unroutable-mixed', 'in a stream of both, each receipt belongs to its event', true, async () => {
      await record(bus, { service, types: [type] });
      const unwanted = uniqueName('nobody.asked');
      const receipts = await Promise.all(
        Array.from({ length: 40 }, (_, index) => bus.publish(eventOf(index % 3 === 0 ? unwanted : type))),
      );
      expect(receipts).toEqual(receipts.map((_, index) => (index % 3 === 0 ? 'unroutable' : 'confirmed')));
    });

    rule('retry-delays', 'a temporary failure comes again after each delay, counted', true, async () => {
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
    });

    rule('retries-exhausted', 'after the last delay the event is a dead letter', true, async () => {
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
    });

    rule('dead-letter', 'a permanent failure goes there at once, with its reason', true, async () => {
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
    });

    rule('competing', 'instances share a queue: each event goes to one of them', true, async () => {
      const other = await fixture.connect();
      // Each holds what it has until both have some: only then is it sure that they share.
      const both = gate();
      const taken = new Set<string>();
      const takeAs = (name: string) => async () => {
        taken.add(name);
        if (taken.size === 2) both.open();
        await both.opened;
        return done;
      };
      const bounds = { service, types: [type], batchSize: 2, prefetch: 4 };
      const first = await record(bus, bounds, takeAs('first'));
      const second = await record(other, bounds, takeAs('second'));
      const events = Array.from({ length: 40 }, () => eventOf(type));
      await Promise.all(events.map((event) => bus.publish(event)));
      await eventually(() => {
        const ids = [...first.deliveries, ...second.deliveries].map(({ id }) => id).sort();
        expect(ids).toEqual(events.map(({ id }) => id).sort());
      });
    });

    rule('batches', 'what has arrived comes together, never more than batchSize at once', true, async () => {
      const first = gate();
      const seen = await record(bus, { service, types: [type], batchSize: 10, prefetch: 25 }, async () => {
        await first.opened;
        return done;
      });
      const published = Promise.all(Array.from({ length: 60 }, () => bus.publish(eventOf(type))));
      await eventually(() => expect(seen.batches).toHaveLength(1));
      first.open();
      await published;
      await eventually(() => expect(seen.deliveries).toHaveLength(60));
      const sizes = seen.batches.map((batch) => batch.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
      expect(sizes.length).toBeLessThan(30);
    });

    rule('one-at-a-time', 'a subscription handles one batch after the other', true, async () => {
      let running = 0;
      let most = 0;
      const seen = await record(bus, { service, types: [type], batchSize: 1 }, async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return done;
      });
      await Promise.all(Array.from({ length: 20 }, () => bus.publish(eventOf(type))));
      await eventually(() => expect(seen.deliveries).toHaveLength(20));
      expect(most).toBe(1);
    });

    rule(
      'infrastructure',
      'a throw counts no attempt: it waits for the probe, then goes on',
      true,
      async () => {
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
    );

    rule('wrong-verdicts', 'a wrong number of verdicts decides nothing', true, async () => {
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
    });

    rule('duplicate', 'the same id published twice is delivered twice', features.duplicates, async () => {
      const seen = await record(bus, { service, types: [type] });
      const event = eventOf(type);
      await Promise.all([bus.publish(event), bus.publish(event)]);
      await eventually(() => expect(seen.deliveries.map(({ id }) => id)).toEqual([event.id, event.id]));
    });

    rule('crash', 'what a crashed instance held comes again, marked', features.crash, async () => {
      const started = gate();
      const never = gate();
      await record(bus, { service, types: [type] }, async () => {
        started.open();
        await never.opened;
        return done;
      });
      const event = eventOf(type);
      await bus.publish(event);
      await started.opened;
      const other = await fixture.connect();
      const seen = await record(other, { service, types: [type] });
      await fixture.crash?.(bus);
      await eventually(() => {
        expect(seen.deliveries).toMatchObject([{ id: event.id, attempt: 1, redelivered: true }]);
      });
      never.open();
    });

    rule('close-busy', 'close waits for what is being handled, and takes nothing more', true, async () => {
      const started = gate();
      const finish = gate();
      let finished = 0;
      await record(bus, { service, types: [type], batchSize: 1 }, async () => {
        started.open();
        await finish.opened;
        finished += 1;
        return done;
      });
      const published = [bus.publish(eventOf(type)), bus.publish(eventOf(type))];
      const outcomes = Promise.allSettled(published);
      await started.opened;
      let closed = false;
      const closing = bus.close().then(() => {
        closed = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(closed).toBe(false);
      finish.open();
      await closing;
      expect(finished).toBe(1);
      expect((await outcomes)[0]?.status).toBe('fulfilled');
      await expect(bus.publish(eventOf(type))).rejects.toBeInstanceOf(PublishError);
      await expect(record(bus, { service, types: [type] })).rejects.toThrow('closed');
    });

    rule(
      'close-keeps',
      'what a closing instance had not handled goes to the next one',
      features.confirmsBeforeHandling,
      async () => {
        const started = gate();
        const finish = gate();
        const first = await record(bus, { service, types: [type], batchSize: 1 }, async () => {
          started.open();
          await finish.opened;
          return done;
        });
        const events = Array.from({ length: 5 }, () => eventOf(type));
        await Promise.all(events.map((event) => bus.publish(event)));
        await started.opened;
        const closing = bus.close();
        finish.open();
        await closing;
        const second = await record(await fixture.connect(), { service, types: [type] });
        await eventually(() => {
          const ids = [...first.deliveries, ...second.deliveries].map(({ id }) => id).sort();
          expect(ids).toEqual(events.map(({ id }) => id).sort());
        });
      },
    );

    rule('bad-names', 'names that would reach into other queues or types are refused', true, async () => {
      await expect(record(bus, { service: 'a b', types: [type] })).rejects.toThrow(RangeError);
      await expect(record(bus, { service, types: ['user.*'] })).rejects.toThrow(RangeError);
      await expect(record(bus, { service, types: [type], batchSize: 0 })).rejects.toThrow(RangeError);
    });
  });
}
