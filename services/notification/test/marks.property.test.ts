import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

const one = ['mark-read', 'mark-unread', 'archive', 'unarchive'] as const;
const all = ['mark-all-read', 'mark-all-seen'] as const;

/** `at` picks one of the notifications that the person has when the step runs. */
const step = fc.oneof(
  fc.record({ does: fc.constantFrom(...one), at: fc.nat() }),
  fc.record({ does: fc.constantFrom(...all), at: fc.constant(0) }),
  fc.record({ does: fc.constant('new' as const), at: fc.nat() }),
);

/** The steps of a round run at the same time. */
const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 });

async function counted(userId: string) {
  const [row] = await world.client.$queryRaw<{ unread: number; unseen: number }[]>`
    SELECT count(*) FILTER (WHERE read_at IS NULL)::int AS unread,
      count(*) FILTER (WHERE seen_at IS NULL)::int AS unseen
    FROM notifications WHERE user_id = ${userId}::uuid AND archived_at IS NULL`;
  return row;
}

describe('notifications and marks in any order and at the same time', () => {
  it('lead to counts that match the rows, versions without gaps, and a feed that matches the rows', async () => {
    const grace = await world.register('Grace');
    await fc.assert(
      fc.asyncProperty(rounds, async (given) => {
        const ada = await world.register('Ada');
        for (const round of given) {
          const ids = (await world.client.notification.findMany({ where: { userId: ada } })).map(
            ({ id }) => id,
          );
          await Promise.all(
            round.map(async ({ does, at }) => {
              if (does === 'new') return world.bus.publish(paymentEvent('payment.succeeded', grace, ada));
              const id = ids[at % ids.length];
              const path = does.startsWith('mark-all') ? does : `${id}/${does}`;
              const { status } = await world.http(ada, 'POST', `/notifications/${path}`);
              expect(status).toBe(200);
            }),
          );
          const { version, ...counts } = await world.counts(ada);
          expect(counts).toEqual(await counted(ada));
          const feed = await world.feed(ada);
          expect(feed.map(({ data }) => data.counts.version)).toEqual(feed.map((_, index) => index + 1));
          expect([feed.length, feed.at(-1)?.data.counts]).toEqual([version, { ...counts, version }]);
        }
        const lastInFeed = new Map(
          (await world.feed(ada)).map(({ data }) => [data.notification?.id, data.notification]),
        );
        const everything = [...(await world.inbox(ada)), ...(await world.inbox(ada, 'archived'))];
        for (const notification of everything) {
          const last = lastInFeed.get(notification.id);
          // A mark of all notifications has one entry, without their new versions.
          if (last?.version === notification.version) expect(last).toEqual(notification);
        }
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
