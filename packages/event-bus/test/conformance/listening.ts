import { expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { EventBus } from '../../src/index.js';
import { eventOf, record, uniqueName } from '../support/recorder.js';
import type { Rule } from './rule.js';

/** What each instance hears for itself. */
export const listeningRules: readonly Rule[] = [
  {
    id: 'listen-each',
    promise: 'every listening instance hears what the shared queue gives to one of them',
    async run({ fixture, bus, service, type }) {
      const other = await fixture.connect();
      const [first, second] = [await hear(bus, service, type), await hear(other, service, type)];
      await eventually(() => expect([first.began, second.began]).toEqual([1, 1]));
      const seen = await record(bus, { service, types: [type] });
      const event = eventOf(type);
      expect(await bus.publish(event)).toBe('confirmed');
      await bus.publish(eventOf(uniqueName('something.else')));
      await bus.publish({ ...eventOf(type), to: service });
      await eventually(() => {
        expect(seen.deliveries).toHaveLength(2);
        expect(first.bodies).toEqual([event.body]);
        expect(second.bodies).toEqual([event.body]);
      });
    },
  },
  {
    id: 'listen-until-closed',
    promise: 'who has stopped listening hears nothing more, and a listener that throws hinders nobody',
    async run({ bus, service, type }) {
      const failing = await bus.listen({
        service,
        types: [type],
        began() {
          throw new Error('on purpose');
        },
        heard() {
          throw new Error('on purpose');
        },
      });
      const left = await hear(bus, service, type);
      const stays = await hear(bus, service, type);
      await eventually(() => expect([left.began, stays.began]).toEqual([1, 1]));
      await left.close();
      await bus.publish(eventOf(type));
      await eventually(() => expect(stays.bodies).toHaveLength(1));
      expect(left.bodies).toEqual([]);
      await failing.close();
      expect(bus.state).toBe('up');
    },
  },
];

async function hear(bus: EventBus, service: string, type: string) {
  const bodies: string[] = [];
  const heard = { bodies, began: 0, close: async () => {} };
  const { close } = await bus.listen({
    service,
    types: [type],
    heard: ({ body }) => void bodies.push(body),
    began: () => {
      heard.began += 1;
    },
  });
  heard.close = close;
  return heard;
}
