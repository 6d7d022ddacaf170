import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { maxWaitingPulls } from '../src/limits/limits.js';
import { TokenBucket } from '../src/limits/token-buckets.js';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { token } from './support/node.js';

closeAfterEach();

const limited = { ok: false, error: { code: 'rate-limited', temporary: true } };

/** A node on which the pulls of one user wait for `goOn`. */
async function held(user: string) {
  const at = await node();
  at.feeds.writeMany(user, 10);
  const pulls = gate();
  at.feeds.beforeAnswer = ({ kind, userId }) =>
    kind === 'floor' && userId === user ? pulls.opened : undefined;
  const pulling = () =>
    at.feeds.calls.filter(({ kind, userId }) => kind === 'floor' && userId === user).length;
  return { ...at, goOn: pulls.open, pulling };
}

describe('the pull queue', () => {
  it('runs one pull of a user at a time over all their sockets, lets a few wait and refuses more', async () => {
    const { url, pulling, goOn } = await held('ann');
    const tabs = [connect(url), connect(url)];
    for (const tab of tabs) await tab.got('session.ready');
    const pulls = Array.from({ length: 1 + maxWaitingPulls }, (_, index) =>
      tabs[index % 2]?.command('feed.pull'),
    );
    await eventually(() => expect(pulling()).toBe(1));
    for (const tab of tabs) await tab.command('things.echo');
    for (const tab of tabs) expect(await tab.command('feed.pull')).toMatchObject(limited);
    expect(pulling()).toBe(1);
    goOn();
    const answers = await Promise.all(pulls);
    expect(answers.filter((answer) => answer?.ok)).toHaveLength(1 + maxWaitingPulls);
  });

  it('serves a user while another one pulls as fast as possible', async () => {
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

  it('pauses between the pulls of one user, even within their budget', async () => {
    const { url, feeds } = await node();
    feeds.writeMany('ann', 500);
    const client = connect(url);
    await client.got('session.ready');
    const began = performance.now();
    const pulls = Array.from({ length: 4 }, () => client.command('feed.pull', { limit: 500 }));
    for (const pull of pulls) expect(await pull).toMatchObject({ ok: true });
    expect(performance.now() - began).toBeGreaterThan(290);
  });

  it('does not read for a socket that has left', async () => {
    const { url, realtime, pulling, goOn } = await held('ann');
    const [stays, leaves] = [connect(url), connect(url)];
    await stays.got('session.ready');
    await leaves.got('session.ready');
    const first = stays.command('feed.pull');
    await eventually(() => expect(pulling()).toBe(1));
    for (let count = 0; count < maxWaitingPulls; count++) leaves.socket.emit('feed.pull');
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

describe('the pull budget', () => {
  const page = { limit: 500 };

  it('lets a client read all entries kept twice in a row', async () => {
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

  it('is shared by all sockets of a user, and a refusal tells when the next pull is allowed', async () => {
    const { url, feeds } = await node({ limits: { pulls: { perSecond: 1_000, burst: 600 } } });
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

  it('counts large entries by their KiB', async () => {
    const { url, feeds } = await node({ limits: { pulls: { perSecond: 1, burst: 30 } } });
    for (let count = 0; count < 4; count++) feeds.write('ann', 'x'.repeat(10 * 1024));
    const client = connect(url);
    expect(await client.command('feed.pull')).toMatchObject({ ok: true });
    expect(await client.command('feed.pull')).toMatchObject(limited);
  });
});

describe('a token bucket', () => {
  it('goes into debt if it is charged more than it holds, and new tokens pay the debt off', () => {
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
