import { expect } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { PublishError } from '../../src/index.js';
import { done, eventOf, record } from '../support/recorder.js';
import type { Rule } from './rule.js';

/** What happens to deliveries when an instance crashes or closes. */
export const endingsRules: readonly Rule[] = [
  {
    id: 'crash',
    promise: 'delivers events that a crashed instance held again, marked as redelivered',
    needs: 'crash',
    async run({ fixture, bus, service, type }) {
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
    },
  },
  {
    id: 'close-busy',
    promise: 'waits for the running handler when it is closed, and delivers nothing more',
    async run({ bus, service, type }) {
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
    },
  },
  {
    id: 'close-keeps',
    promise: 'delivers events that a closing instance has not handled to the next one',
    needs: 'confirmsBeforeHandling',
    async run({ fixture, bus, service, type }) {
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
  },
];
