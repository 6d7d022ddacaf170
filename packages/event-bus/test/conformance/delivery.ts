import { expect } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { done, eventOf, record, uniqueName } from '../support/recorder.js';
import type { Rule } from './rule.js';

/** Which events arrive, where, and in which batches. */
export const deliveryRules: readonly Rule[] = [
  {
    id: 'publish-deliver',
    promise: 'delivers an event unchanged',
    async run({ bus, service, type }) {
      const seen = await record(bus, { service, types: [type] });
      const event = eventOf(type);
      expect(await bus.publish(event)).toBe('confirmed');
      await eventually(() => {
        expect(seen.deliveries).toEqual([{ ...event, attempt: 1, redelivered: false }]);
      });
      expect(bus.state).toBe('up');
    },
  },
  {
    id: 'several-services',
    promise: 'delivers an event to each service that consumes its type',
    async run({ bus, service, type }) {
      const first = await record(bus, { service, types: [type] });
      const second = await record(bus, { service: uniqueName('other'), types: [type, 'another.type'] });
      const event = eventOf(type);
      await bus.publish(event);
      await eventually(() => {
        expect(first.deliveries.map(({ id }) => id)).toEqual([event.id]);
        expect(second.deliveries.map(({ id }) => id)).toEqual([event.id]);
      });
    },
  },
  {
    id: 'to-one',
    promise: 'delivers a replay to its one service, whatever types that consumes, and to no other',
    async run({ bus, service, type }) {
      const other = uniqueName('other');
      const seen = await record(bus, { service, types: [uniqueName('another.type')] });
      const spared = await record(bus, { service: other, types: [type] });
      const [meant, forAll] = [eventOf(type), eventOf(type)];
      expect(await bus.publish({ ...meant, to: service })).toBe('confirmed');
      expect(await bus.publish(forAll)).toBe('confirmed');
      expect(await bus.publish({ ...meant, to: uniqueName('nobody') })).toBe('unroutable');
      await eventually(() => {
        expect(seen.deliveries).toEqual([{ ...meant, attempt: 1, redelivered: false }]);
        expect(spared.deliveries.map(({ id }) => id)).toEqual([forAll.id]);
      });
    },
  },
  {
    id: 'unroutable',
    promise: 'reports an event that nobody consumes as unroutable',
    async run({ bus, service, type }) {
      const seen = await record(bus, { service, types: [type] });
      expect(await bus.publish(eventOf(uniqueName('nobody.asked')))).toBe('unroutable');
      expect(await bus.publish(eventOf(type))).toBe('confirmed');
      await eventually(() => expect(seen.deliveries).toHaveLength(1));
    },
  },
  {
    id: 'unroutable-mixed',
    promise: 'returns the right receipt for each of many events, routable or not',
    async run({ bus, service, type }) {
      await record(bus, { service, types: [type] });
      const unwanted = uniqueName('nobody.asked');
      const receipts = await Promise.all(
        Array.from({ length: 40 }, (_, index) => bus.publish(eventOf(index % 3 === 0 ? unwanted : type))),
      );
      expect(receipts).toEqual(receipts.map((_, index) => (index % 3 === 0 ? 'unroutable' : 'confirmed')));
    },
  },
  {
    id: 'competing',
    promise: 'delivers each event to one of the instances of a service',
    async run({ fixture, bus, service, type }) {
      const other = await fixture.connect();
      // Each instance waits until both have got events, which proves that they share the queue.
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
    },
  },
  {
    id: 'batches',
    promise: 'delivers waiting events together, at most batchSize at once',
    async run({ features, bus, service, type }) {
      const first = gate();
      const seen = await record(bus, { service, types: [type], batchSize: 10, prefetch: 25 }, async () => {
        await first.opened;
        return done;
      });
      const published = Promise.all(Array.from({ length: 60 }, () => bus.publish(eventOf(type))));
      await eventually(() => expect(seen.batches).toHaveLength(1));
      // If a slow machine published them one by one, they would be batches of one.
      if (features.confirmsBeforeHandling === true) await published;
      first.open();
      await published;
      await eventually(() => expect(seen.deliveries).toHaveLength(60));
      const sizes = seen.batches.map((batch) => batch.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
      expect(sizes.length).toBeLessThan(30);
    },
  },
  {
    id: 'one-at-a-time',
    promise: 'hands a subscription one batch after the other',
    async run({ bus, service, type }) {
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
    },
  },
  {
    id: 'duplicate',
    promise: 'delivers an id twice if it is published twice',
    needs: 'duplicates',
    async run({ bus, service, type }) {
      const seen = await record(bus, { service, types: [type] });
      const event = eventOf(type);
      await Promise.all([bus.publish(event), bus.publish(event)]);
      await eventually(() => expect(seen.deliveries.map(({ id }) => id)).toEqual([event.id, event.id]));
    },
  },
  {
    id: 'bad-names',
    promise: 'rejects names with wildcards or spaces, and invalid limits',
    async run({ bus, service, type }) {
      await expect(record(bus, { service: 'a b', types: [type] })).rejects.toThrow(RangeError);
      await expect(record(bus, { service, types: ['user.*'] })).rejects.toThrow(RangeError);
      await expect(record(bus, { service, types: [type], batchSize: 0 })).rejects.toThrow(RangeError);
    },
  },
];
