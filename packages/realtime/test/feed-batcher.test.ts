import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { pino } from 'pino';
import { FeedBatcher } from '../src/feed/feed-batcher.js';
import { feedsPerStatement } from '../src/limits/limits.js';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { MemoryFeeds } from './support/memory-feeds.js';
import { token } from './support/node.js';

closeAfterEach();

const log = pino({ level: 'silent' });

/** A batcher whose statements wait for `goOn`. */
function heldBatcher(waitMs?: number) {
  const feeds = new MemoryFeeds();
  let statements = gate();
  const hold = () => {
    statements = gate();
    feeds.beforeAnswer = () => statements.opened;
  };
  hold();
  const batcher = new FeedBatcher(feeds, log, waitMs);
  return { feeds, batcher, hold, goOn: () => statements.open() };
}

describe('the feed batcher', () => {
  it('reads a single question at once, and together those that come during a statement', async () => {
    const { feeds, batcher, goOn } = heldBatcher();
    feeds.writeMany('ann', 3);
    const first = batcher.ask({ userId: 'ann', from: feeds.cursor(1) });
    expect(feeds.batches).toEqual([['ann']]);
    const others = ['bob', 'cat', 'dan'].map((userId) => batcher.ask({ userId }));
    expect(batcher.length).toBe(3);
    goOn();
    expect((await first.answer)?.entries.map(({ seq }) => seq)).toEqual([2, 3]);
    for (const { answer } of others) expect(await answer).toMatchObject({ place: { ok: true, seq: 0 } });
    expect(feeds.batches).toEqual([['ann'], ['bob', 'cat', 'dan']]);
  });

  it('runs one statement of limited size at a time, in the order of the questions', async () => {
    const { feeds, batcher, goOn } = heldBatcher();
    const ids = Array.from({ length: 2 * feedsPerStatement + 50 }, (_, index) => `user-${index}`);
    const asked = ['first', ...ids].map((userId) => batcher.ask({ userId }));
    expect(feeds.batches).toEqual([['first']]);
    goOn();
    await Promise.all(asked.map(({ answer }) => answer));
    expect(feeds.batches.map(({ length }) => length)).toEqual([1, feedsPerStatement, feedsPerStatement, 50]);
    expect(feeds.batches.slice(1).flat()).toEqual(ids);
  });

  it('lets users take turns, so that one with many sockets does not hold up others', async () => {
    const { feeds, batcher, goOn } = heldBatcher();
    feeds.writeMany('greedy', 500);
    batcher.ask({ userId: 'first' });
    const greedy = Array.from({ length: 300 }, (_, seq) =>
      batcher.ask({ userId: 'greedy', from: feeds.cursor(seq) }),
    );
    const late = batcher.ask({ userId: 'late' });
    goOn();
    await late.answer;
    expect(feeds.batches[1]?.slice(0, 2)).toEqual(['greedy', 'late']);
    await Promise.all(greedy.map(({ answer }) => answer));
    expect(feeds.batches.map(({ length }) => length)).toEqual([1, feedsPerStatement, 101]);
  });

  it('reads a feed once if several tabs ask the same question', async () => {
    const { feeds, batcher, goOn } = heldBatcher();
    batcher.ask({ userId: 'first' });
    const tabs = Array.from({ length: 20 }, () => batcher.ask({ userId: 'ann' }));
    goOn();
    for (const { answer } of tabs) expect(await answer).toMatchObject({ place: { ok: true } });
    expect(feeds.batches).toEqual([['first'], ['ann']]);
  });

  it('does not read a feed for a cancelled question', async () => {
    const { feeds, batcher, goOn } = heldBatcher();
    const first = batcher.ask({ userId: 'first' });
    const [gone, stays] = ['gone', 'stays'].map((userId) => batcher.ask({ userId }));
    gone?.cancel();
    expect(await gone?.answer).toBeUndefined();
    goOn();
    await first.answer;
    expect(await stays?.answer).toMatchObject({ place: { ok: true } });
    expect(feeds.batches).toEqual([['first'], ['stays']]);
  });

  it('answers a temporary error if a statement fails, and then runs the next one', async () => {
    const { feeds, batcher, hold, goOn } = heldBatcher();
    const first = batcher.ask({ userId: 'first' });
    const failing = ['ann', 'bob'].map((userId) => batcher.ask({ userId }));
    feeds.failure = new Error('connection refused');
    goOn();
    await first.answer;
    hold();
    for (const { answer } of failing) {
      await expect(answer).rejects.toMatchObject({ code: 'service-unavailable', temporary: true });
    }
    feeds.failure = undefined;
    const next = batcher.ask({ userId: 'cat' });
    goOn();
    expect(await next.answer).toMatchObject({ place: { ok: true } });
  });

  it('answers a temporary error if a question waits too long', async () => {
    const { feeds, batcher, goOn } = heldBatcher(1);
    const first = batcher.ask({ userId: 'first' });
    const late = batcher.ask({ userId: 'late' });
    const refused = expect(late.answer).rejects.toMatchObject({
      code: 'service-unavailable',
      temporary: true,
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    goOn();
    await first.answer;
    await refused;
    expect(feeds.batches).toEqual([['first']]);
  });
});

describe('sockets that start at the same time', () => {
  it('share statements, and each resumes where it was', async () => {
    const { url, feeds, realtime } = await node();
    const people = Array.from({ length: 100 }, (_, index) => `user-${index}`);
    for (const person of people) feeds.writeMany(person, 5);
    const statements = gate();
    feeds.beforeAnswer = () => statements.opened;
    const clients = people.map((person) => connect(url, { token: token(person), cursor: feeds.cursor(2) }));
    await eventually(() => expect(realtime.socketCount).toBe(100));
    expect(feeds.batches).toHaveLength(1);
    expect(realtime.stats().opening).toBe(100 - (feeds.batches[0]?.length ?? 0));
    statements.open();
    for (const client of clients) await client.gotExactly(3, 5);
    expect(feeds.batches.length).toBeLessThan(10);
    for (const client of clients) expect(client.named('session.ready')).not.toContainEqual({ head: null });
  });

  it('start by themselves after their statement has failed', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 3);
    feeds.failure = new Error('connection refused');
    const clients = [1, 2].map((seq) => connect(url, { cursor: feeds.cursor(seq) }));
    for (const client of clients) expect(await client.got('session.ready')).toMatchObject({ head: null });
    feeds.failure = undefined;
    await clients[0]?.gotExactly(2, 3);
    await clients[1]?.gotExactly(3, 3);
  });

  it('cancel their questions if they leave', async () => {
    const { url, feeds, realtime } = await node();
    const statements = gate();
    feeds.beforeAnswer = () => statements.opened;
    const first = connect(url, { token: token('first') });
    await eventually(() => expect(feeds.batches).toEqual([['first']]));
    const others = ['ann', 'bob', 'cat'].map((person) => connect(url, { token: token(person) }));
    await eventually(() => expect(realtime.stats().opening).toBe(3));
    for (const client of others.slice(0, 2)) client.close();
    await eventually(() => expect(realtime.stats().opening).toBe(1));
    statements.open();
    await first.got('session.ready');
    await others[2]?.got('session.ready');
    expect(feeds.batches).toEqual([['first'], ['cat']]);
  });
});
