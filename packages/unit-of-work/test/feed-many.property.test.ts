import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FeedAnswer, FeedQuestion, FeedReader } from '@warren/unit-of-work';
import fc from 'fast-check';
import { type Fixture, fixture } from './support/fixture.js';

const everything = { entries: 1_000, bytes: 1e9 };
const users = ['whole', 'pruned', 'emptied', 'rebuilt', 'none'] as const;
type User = (typeof users)[number];

let db: Fixture;
let feeds: FeedReader;
/** Cursors of each user's feed by `seq`, also of numbers that were pruned or never came. */
const cursors = new Map<User, string[]>();
let restored: string;

beforeAll(async () => {
  db = await fixture();
  feeds = db.instance().feeds;
  for (const user of users) cursors.set(user, await cursorsOf(user));
  await db.sql(`UPDATE messaging.meta SET epoch = '0123456789abcdef'`);
  await grow('whole', 10);
  restored = (await feeds.read('whole', 3, 1)).entries[0]?.cursor ?? '';
  await db.sql(`DELETE FROM messaging.feed WHERE user_id = 'whole'`);
  await db.sql(`DELETE FROM messaging.feed_head WHERE user_id = 'whole'`);
  await db.sql('UPDATE messaging.meta SET epoch = $1', [first]);
  for (const user of ['whole', 'pruned', 'emptied', 'rebuilt']) await grow(user, 10);
  await db.sql(`DELETE FROM messaging.feed WHERE user_id = 'pruned' AND seq <= 4`);
  await db.sql(`DELETE FROM messaging.feed WHERE user_id = 'emptied'`);
  await db.sql(`UPDATE messaging.feed_head SET epoch = 1 WHERE user_id = 'rebuilt'`);
});
afterAll(() => db.close());

let first = '';

/** Grows a feed for a moment to learn its cursors: up to 15, so that some are ahead of every head. */
async function cursorsOf(user: User): Promise<string[]> {
  const [meta] = await db.sql<{ epoch: string }>('SELECT epoch FROM messaging.meta');
  first = meta?.epoch ?? '';
  await grow(user, 15);
  const start = await feeds.read(user, 0, 100);
  await db.sql('DELETE FROM messaging.feed WHERE user_id = $1', [user]);
  await db.sql('DELETE FROM messaging.feed_head WHERE user_id = $1', [user]);
  return [(await feeds.head(user)).cursor, ...start.entries.map(({ cursor }) => cursor)];
}

async function grow(user: string, count: number, data = '{"text":"x"}'): Promise<void> {
  await db.sql(
    `INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
    SELECT $1, seq, 'note.updated', gen_random_uuid(), now(), $3::json FROM generate_series(1, $2::int) AS s (seq)`,
    [user, count, data],
  );
  await db.sql('INSERT INTO messaging.feed_head (user_id, seq) VALUES ($1, $2)', [user, count]);
}

/** What a single one of the methods for one feed answers. */
async function alone({ userId, from }: FeedQuestion): Promise<FeedAnswer> {
  if (from === undefined) {
    const head = await feeds.head(userId);
    return { place: { ok: true, seq: head.seq, head }, entries: [] };
  }
  if (typeof from === 'number') {
    const { entries, head } = await feeds.read(userId, from, everything.entries);
    return { place: { ok: true, seq: from, head }, entries };
  }
  const place = await feeds.resolve(userId, from);
  if (!place.ok) return { place, entries: [] };
  return { place, entries: (await feeds.read(userId, place.seq, everything.entries)).entries };
}

const user = fc.constantFrom(...users);
const question: fc.Arbitrary<FeedQuestion> = fc.oneof(
  user.map((userId) => ({ userId })),
  fc.record({ userId: user, from: fc.integer({ min: 0, max: 12 }) }),
  fc.tuple(user, fc.integer({ min: 0, max: 15 })).map(([userId, seq]) => ({
    userId,
    from: cursors.get(userId)?.[seq] ?? '',
  })),
  fc.record({ userId: user, from: fc.constantFrom('not a cursor', '', '💥') }),
  fc.tuple(user, user).map(([userId, other]) => ({ userId, from: cursors.get(other)?.[3] ?? '' })),
  user.map((userId) => ({ userId, from: restored })),
);

describe('many feeds that are read with one statement', () => {
  it('have the same answers as each feed alone, in the order of the questions', async () => {
    const reasons = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(question, { maxLength: 30 }), async (questions) => {
        const answers = await feeds.readMany(questions, everything);
        const expected = [];
        for (const each of questions) expected.push(await alone(each));
        expect(answers).toEqual(expected);
        for (const { place } of answers) reasons.add(place.ok ? 'ok' : place.reason);
      }),
      { numRuns: 60 },
    );
    expect([...reasons].sort()).toEqual(['epoch', 'ok', 'too-old', 'unknown']);
  }, 60_000);

  it('have a limit of entries and bytes for each feed, and return at least one entry', async () => {
    await grow('large', 5, JSON.stringify({ text: 'x'.repeat(10_000) }));
    const seqs = async (most: { entries: number; bytes: number }) =>
      (
        await feeds.readMany(
          [
            { userId: 'large', from: 0 },
            { userId: 'whole', from: 2 },
          ],
          most,
        )
      ).map(({ entries }) => entries.map(({ seq }) => seq));
    expect(await seqs({ entries: 3, bytes: 1e9 })).toEqual([
      [1, 2, 3],
      [3, 4, 5],
    ]);
    expect(await seqs({ entries: 4, bytes: 15_000 })).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ]);
    expect(await seqs({ entries: 4, bytes: 1 })).toEqual([[1], [3]]);
  });
});
