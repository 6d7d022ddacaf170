import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EncodedEvent } from '@warren/event-bus';
import { deletedEvent, userEvent } from '@warren/service-testing';
import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

interface Life {
  versions: number;
  deleted: boolean;
}

/** The last event has the person's current state. */
function eventsOf(id: string, { versions, deleted }: Life): EncodedEvent[] {
  const events = Array.from({ length: versions }, (_, index) =>
    userEvent(index === 0 ? 'user.registered' : 'user.updated', id, index + 1, {
      displayName: `v${index + 1}`,
    }),
  );
  return deleted ? [...events, deletedEvent(id, versions + 1)] : events;
}

const lives = fc.array(fc.record({ versions: fc.integer({ min: 1, max: 6 }), deleted: fc.boolean() }), {
  minLength: 1,
  maxLength: 5,
});

describe('the copy of users', () => {
  it('is the same whether events come shuffled, repeated, late or at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(lives, fc.infiniteStream(fc.nat()), async (people, numbers) => {
        const next = () => numbers.next().value as number;
        const lived = people.map((life) => ({ id: uuidv7(), life }));
        const events = lived.flatMap(({ id, life }) => eventsOf(id, life));
        const repeated = [...events, ...events.filter(() => next() % 3 === 0)];
        const shuffled = repeated
          .map((event) => ({ event, place: next() }))
          .sort((a, b) => a.place - b.place)
          .map(({ event }) => event);
        while (shuffled.length > 0) {
          const together = shuffled.splice(0, 1 + (next() % 8));
          await Promise.all(together.map((event) => world.bus.publish(event)));
        }
        for (const { id, life } of lived) {
          const copy = await world.client.userCopy.findUniqueOrThrow({ where: { id } });
          expect(copy).toMatchObject(
            life.deleted
              ? { version: life.versions + 1, deleted: true, displayName: null }
              : { version: life.versions, deleted: false, displayName: `v${life.versions}` },
          );
          const kept = life.deleted ? 0 : 1;
          const welcomes = await world.client.notification.count({ where: { userId: id } });
          expect(welcomes).toBeLessThanOrEqual(kept);
        }
      }),
      { numRuns: 30 },
    );
  }, 120_000);
});
