import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FeedEntry } from '@warren/unit-of-work';
import fc from 'fast-check';
import { type Fixture, fixture, writeNote } from './support/fixture.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());

interface Work {
  users: string[];
  fails: boolean;
}

const work = fc.record({
  users: fc.array(fc.constantFrom('ann', 'bob', 'cat'), { minLength: 1, maxLength: 5 }),
  fails: fc.boolean(),
});
let run = 0;

describe('the numbers of feed entries', () => {
  it('have no gaps and follow the order of commits, whatever writes at once and is rolled back', async () => {
    const instances = [db.instance(), db.instance()];
    await fc.assert(
      fc.asyncProperty(fc.array(work, { minLength: 1, maxLength: 12 }), async (works) => {
        const round = ++run;
        const heard: FeedEntry[] = [];
        const named = (user: string) => `${user}-${round}`;
        const perform = async ({ users, fails }: Work, index: number): Promise<void> => {
          const instance = instances[index % instances.length];
          await instance?.uow.run(async (tx) => {
            await writeNote(tx, `note-${round}-${index}`, users.map(named));
            if (fails) throw new Error('on purpose');
          });
        };
        for (const instance of instances) instance.onCommitted((entries) => heard.push(...entries));
        const outcomes = await Promise.allSettled(works.map(perform));
        expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(works.map(({ fails }) => fails));

        for (const user of ['ann', 'bob', 'cat']) {
          const expected = works
            .filter(({ fails }) => !fails)
            .flatMap(({ users }) => users.filter((one) => one === user));
          const { entries, head } = await db.instance().feeds.read(named(user), 0, 100);
          expect(entries.map(({ seq }) => seq)).toEqual(expected.map((_, index) => index + 1));
          expect(head.seq).toBe(expected.length);
          const told = heard.filter(({ userId }) => userId === named(user)).sort((a, b) => a.seq - b.seq);
          expect(told).toEqual(entries);
        }
      }),
      { numRuns: 40 },
    );
  });
});
