import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { pullsWaiting } from '../src/limits/defaults.js';
import { TokenBucket } from '../src/limits/token-buckets.js';
import { connect, node } from './support/cleanup.js';
import { token } from './support/node.js';

const limited = { ok: false, error: { code: 'rate-limited', temporary: true } };

/** A node whose pulls of one person are held until told to go on. */
async function held(person: string) {
  const at = await node();
  at.feeds.writeMany(person, 10);
  let goOn: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  at.feeds.beforeAnswer = ({ kind, userId }) => (kind === 'floor' && userId === person ? until : undefined);
  const pulling = () =>
    at.feeds.calls.filter(({ kind, userId }) => kind === 'floor' && userId === person).length;
  return { ...at, goOn: () => goOn(), pulling };
}

describe('pulls', () => {
  it('of one person are read one at a time over all their sockets, few wait, and more are refused', async () => {
    const { url, pulling, goOn } = await held('ann');
    const tabs = [connect(url), connect(url)];
    for (const tab of tabs) await tab.got('session.ready');
    const pulls = Array.from({ length: 1 + pullsWaiting }, (_, index) =>
      tabs[index % 2]?.command('feed.pull'),
    );
    await eventually(() => expect(pulling()).toBe(1));
    for (const tab of tabs) await tab.command('things.echo');
    for (const tab of tabs) expect(await tab.command('feed.pull')).toMatchObject(limited);
    expect(pulling()).toBe(1);
    goOn();
    const answers = await Promise.all(pulls);
    expect(answers.filter((answer) => answer?.ok)).toHaveLength(1 + pullsWaiting);
  });

  it('of another person are not held up by who pulls as hard as they can', async () => {
    const { url, feeds, pulling, goOn } = await held('mallory');
    feeds.writeMany('ann', 3);
    const hard = [1, 2, 3].map(() => connect(url, { token: token('mallory') }));
    for (const tab of hard) await tab.got('session.ready');
    const pulls = hard.flatMap((tab) => Array.from({ length: 10 }, () => tab.command('feed.pull')));
    await eventually(() => expect(pulling()).toBe(1));
    const other = connect(url);
    for (let count = 0; count < 10; count++) {
      expect(await other.command('feed.pull')).toMatchObject({ ok: true, data: { head: feeds.cursor(3) } });
    }
    expect(pulling()).toBe(1);
    goOn();
    await Promise.all(pulls);
  });

  it('of one person leave others their time, however many are within the budget', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 500);
    const client = connect(url);
    await client.got('session.ready');
    const began = performance.now();
    const pulls = Array.from({ length: 4 }, () => client.command('feed.pull', { limit: 500 }));
    for (const pull of pulls) expect(await pull).toMatchObject({ ok: true });
    expect(performance.now() - began).toBeGreaterThan(290);
  });

  it('of a socket that has left are not read any more', async () => {
    const { url, realtime, pulling, goOn } = await held('ann');
    const [stays, leaves] = [connect(url), connect(url)];
    await stays.got('session.ready');
    await leaves.got('session.ready');
    const first = stays.command('feed.pull');
    await eventually(() => expect(pulling()).toBe(1));
    for (let count = 0; count < pullsWaiting; count++) leaves.socket.emit('feed.pull');
    await leaves.command('things.echo');
    expect(await stays.command('feed.pull')).toMatchObject(limited);
    leaves.close();
    await eventually(() => expect(realtime.socketCount).toBe(1));
    goOn();
    expect(await first).toMatchObject({ ok: true });
    await eventually(async () => expect(await stays.command('feed.pull')).toMatchObject({ ok: true }));
    expect(pulling()).toBe(2);
  });
});

describe('the budget of pulls', () => {
  const page = { limit: 500 };

  it('is enough to catch up with all that is kept, twice, with nothing refused', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 20_000);
    const client = connect(url);
    for (let round = 0; round < 2; round++) {
      let after = feeds.cursor(0);
      while (after !== feeds.cursor(20_000)) {
        const answer = await client.command('feed.pull', { ...page, after });
        if (!answer.ok) throw new Error(answer.error.code);
        after = (answer.data as { entries: { cursor: string }[] }).entries.at(-1)?.cursor ?? '';
      }
    }
  }, 60_000);

  it('is over all sockets of a person, says when it is there again, and then is', async () => {
    const { url, feeds } = await node({ limits: { pulled: { perSecond: 1_000, burst: 600 } } });
    feeds.writeMany('ann', 1_000);
    const [one, two, other] = [connect(url), connect(url), connect(url, { token: token('bob') })];
    expect(await one.command('feed.pull', page)).toMatchObject({ ok: true });
    expect(await two.command('feed.pull', page)).toMatchObject({ ok: true });
    const refused = await one.command('feed.pull', page);
    expect(refused).toMatchObject(limited);
    const { retryAfterMs } = (refused as unknown as { error: { retryAfterMs: number } }).error;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(400);
    expect(await other.command('feed.pull', page)).toMatchObject({ ok: true });
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 10));
    expect(await two.command('feed.pull', page)).toMatchObject({ ok: true });
  });

  it('counts the kibibytes of large entries', async () => {
    const { url, feeds } = await node({ limits: { pulled: { perSecond: 1, burst: 30 } } });
    for (let count = 0; count < 4; count++) feeds.write('ann', 'x'.repeat(10 * 1024));
    const client = connect(url);
    expect(await client.command('feed.pull')).toMatchObject({ ok: true });
    expect(await client.command('feed.pull')).toMatchObject(limited);
  });
});

describe('a bucket that is charged afterwards', () => {
  it('owes what was more than it held, and is free again when that has come in', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 100 }, 0);
    bucket.charge(100, 0);
    expect(bucket.debtMs(0)).toBe(0);
    bucket.charge(50, 0);
    expect(bucket.debtMs(0)).toBe(5_000);
    expect(bucket.debtMs(4_000)).toBe(1_000);
    expect(bucket.debtMs(5_000)).toBe(0);
    bucket.charge(200, 60_000);
    expect(bucket.debtMs(60_000)).toBe(10_000);
  });
});
