import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gate } from '@warren/testing';
import type { FeedEntry } from '@warren/unit-of-work';
import { type Fixture, fixture, type Instance, writeNote } from './support/fixture.js';

let db: Fixture;
let instance: Instance;
const committed: FeedEntry[] = [];
beforeAll(async () => {
  db = await fixture();
  instance = db.instance();
  instance.onCommitted((entries) => committed.push(...entries));
  for (let index = 1; index <= 6; index++)
    await instance.uow.run((tx) => writeNote(tx, `n${index}`, ['ann', 'bob']));
});
afterAll(() => db.close());

const cursorOf = async (userId: string, after: number) =>
  (await instance.feeds.read(userId, after, 1)).entries[0]?.cursor ?? '';

describe('reading a feed', () => {
  it('returns the committed entries in order, and the head of the same snapshot', async () => {
    const { entries, head } = await instance.feeds.read('ann', 2, 3);
    expect(entries).toEqual(committed.filter(({ userId, seq }) => userId === 'ann' && seq > 2 && seq < 6));
    expect(head).toEqual(await instance.feeds.head('ann'));
    expect(head.seq).toBe(6);
  });

  it('returns an empty page at the head and for a user without a feed', async () => {
    expect((await instance.feeds.read('ann', 6, 10)).entries).toEqual([]);
    expect(await instance.feeds.read('nobody', 0, 10)).toMatchObject({ entries: [], head: { seq: 0 } });
  });

  it('returns many heads at once, without users that have no feed', async () => {
    const heads = await instance.feeds.heads(['ann', 'bob', 'nobody']);
    expect([...heads.keys()].sort()).toEqual(['ann', 'bob']);
    expect(heads.get('ann')).toEqual(await instance.feeds.head('ann'));
  });
});

describe('a cursor', () => {
  it('resolves to its position', async () => {
    const head = await instance.feeds.head('ann');
    expect(await instance.feeds.resolve('ann', await cursorOf('ann', 3))).toEqual({ ok: true, seq: 4, head });
    expect(await instance.feeds.resolve('ann', head.cursor)).toEqual({ ok: true, seq: 6, head });
  });

  it('of an empty feed resolves to its start when the feed begins', async () => {
    const { cursor } = await instance.feeds.head('new');
    await instance.uow.run((tx) => writeNote(tx, 'first', ['new']));
    expect(await instance.feeds.resolve('new', cursor)).toMatchObject({ ok: true, seq: 0, head: { seq: 1 } });
  });

  it.each([
    ['garbage', async () => 'not a cursor'],
    ['nothing', async () => ''],
    ['a cut one', async () => (await cursorOf('ann', 1)).slice(1)],
    ['a longer one', async () => `${await cursorOf('ann', 1)}AA`],
    ["another user's", () => cursorOf('bob', 1)],
  ])('is unknown if it is %s', async (_what, cursor) => {
    expect(await instance.feeds.resolve('ann', await cursor())).toMatchObject({
      ok: false,
      reason: 'unknown',
    });
  });

  it('is unknown if it is ahead of the head', async () => {
    await instance.uow.run((tx) => writeNote(tx, 'ahead', ['dan']));
    const cursor = await cursorOf('dan', 0);
    await db.sql(`UPDATE messaging.feed_head SET seq = 0 WHERE user_id = 'dan'`);
    expect(await instance.feeds.resolve('dan', cursor)).toMatchObject({ ok: false, reason: 'unknown' });
  });

  it('is of another epoch after its feed was rebuilt, and not after another one was', async () => {
    await instance.uow.run((tx) => writeNote(tx, 'rebuilt', ['eve']));
    const [eve, ann] = [await cursorOf('eve', 0), await cursorOf('ann', 0)];
    await db.sql(`UPDATE messaging.feed_head SET epoch = epoch + 1 WHERE user_id = 'eve'`);
    expect(await instance.feeds.resolve('eve', eve)).toMatchObject({ ok: false, reason: 'epoch' });
    expect(await instance.feeds.resolve('ann', ann)).toMatchObject({ ok: true });
    await instance.uow.run((tx) => writeNote(tx, 'rebuilt', ['eve']));
    expect(committed.at(-1)?.cursor).toBe(await cursorOf('eve', 1));
  });

  it('is of another epoch after the database was restored', async () => {
    const cursor = await cursorOf('ann', 0);
    const [kept] = await db.sql<{ epoch: string }>('SELECT epoch FROM messaging.meta');
    await db.sql(`UPDATE messaging.meta SET epoch = '0123456789abcdef'`);
    expect(await instance.feeds.resolve('ann', cursor)).toMatchObject({ ok: false, reason: 'epoch' });
    await db.sql('UPDATE messaging.meta SET epoch = $1', [kept?.epoch]);
  });
});

describe('a pruned feed', () => {
  it('has all entries above its floor, and refuses older cursors as too old', async () => {
    for (let index = 1; index <= 4; index++) await instance.uow.run((tx) => writeNote(tx, 'p', ['pia']));
    const cursors = await Promise.all([0, 1, 2].map((after) => cursorOf('pia', after)));
    expect(await instance.feeds.floor('pia')).toBe(0);
    await db.sql(`DELETE FROM messaging.feed WHERE user_id = 'pia' AND seq <= 2`);
    expect(await instance.feeds.floor('pia')).toBe(2);
    const results = await Promise.all(cursors.map((cursor) => instance.feeds.resolve('pia', cursor)));
    expect(results).toMatchObject([
      { ok: false, reason: 'too-old' },
      { ok: true, seq: 2 },
      { ok: true, seq: 3 },
    ]);
  });

  it('has its floor at the head if no entry is left', async () => {
    await instance.uow.run((tx) => writeNote(tx, 'q', ['quin']));
    await db.sql(`DELETE FROM messaging.feed WHERE user_id = 'quin'`);
    expect(await instance.feeds.floor('quin')).toBe(1);
    const { cursor } = await instance.feeds.head('quin');
    expect(await instance.feeds.resolve('quin', cursor)).toMatchObject({ ok: true, seq: 1 });
    expect(await instance.feeds.floor('nobody')).toBe(0);
  });
});

describe('readAsOf', () => {
  it('reads in the snapshot that its cursor names', async () => {
    await instance.uow.run((tx) => writeNote(tx, 'r1', ['ria']));
    const held = gate();
    const entered = gate();
    const reading = instance.uow.readAsOf('ria', async (tx) => {
      entered.open();
      await held.opened;
      return tx.$queryRawUnsafe(`SELECT id FROM note WHERE id LIKE 'r_'`);
    });
    await entered.opened;
    await instance.uow.run((tx) => writeNote(tx, 'r2', ['ria']));
    held.open();
    const { value, asOf } = await reading;
    expect(value).toEqual([{ id: 'r1' }]);
    expect(await instance.feeds.resolve('ria', asOf)).toMatchObject({ ok: true, seq: 1, head: { seq: 2 } });
  });

  it('refuses to write', async () => {
    const writing = instance.uow.readAsOf('ria', (tx) =>
      tx.$queryRawUnsafe(`INSERT INTO note VALUES ('x', '')`),
    );
    await expect(writing).rejects.toMatchObject({ code: '25006' });
  });
});
