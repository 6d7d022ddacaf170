import { describe, expect, it } from '@jest/globals';
import { eventually, faultProxy } from '@warren/testing';
import type { FeedEntry } from '@warren/unit-of-work';
import { type RecordingClient, range } from './support/client.js';
import { closeAfterEach, connect, node, onEnd } from './support/fixtures.js';
import { service, type TestNode, token } from './support/node.js';
import { rawSocket } from './support/raw-socket.js';

closeAfterEach();

/** A client whose connection can be stalled, so that its TCP buffers fill up and then the node's. */
async function connectStallable(
  at: TestNode,
): Promise<{ client: RecordingClient; stall(): void; resume(): void }> {
  const proxy = await faultProxy({ host: '127.0.0.1', port: at.port });
  onEnd(() => proxy.close());
  const client = connect(`http://127.0.0.1:${proxy.port}/${service}`);
  await client.got('session.ready');
  return { client, stall: () => proxy.stall(), resume: () => proxy.resume() };
}

const large = 'x'.repeat(100_000);

/** Commits large entries, a few per turn of the event loop, until `done`. Resolves to the `seq` of the last one. */
async function commitUntil(at: TestNode, done: () => boolean): Promise<number> {
  return eventually(() => {
    for (let i = 0; i < 20 && !done(); i++) at.commit('ann', large);
    if (!done()) throw new Error('the connection still takes more');
    return at.feeds.write('ann', 'the last one').seq;
  });
}

async function pullAll(client: RecordingClient, after: string): Promise<FeedEntry[]> {
  const pulled: FeedEntry[] = [];
  for (let cursor = after; ; ) {
    const answer = await client.command('feed.pull', { after: cursor, limit: 500 });
    if (!answer.ok) throw new Error(answer.error.code);
    const { entries, head } = answer.data as { entries: FeedEntry[]; head: string };
    pulled.push(...entries);
    cursor = entries.at(-1)?.cursor ?? cursor;
    if (cursor === head) return pulled;
  }
}

describe('a client that does not read', () => {
  it('gets no pushes beyond its budget, then pulls at its own pace and becomes live again', async () => {
    const at = await node({ pingTimeoutMs: 60_000 });
    const { client, stall, resume } = await connectStallable(at);
    stall();
    const head = await commitUntil(at, () => at.realtime.stats().drops === 1);
    const sentBefore = at.realtime.stats().entriesSent;
    for (let i = 0; i < 200; i++) at.commit('ann', large);
    expect(at.realtime.stats().entriesSent).toBe(sentBefore);

    resume();
    await client.got('feed.behind');
    const received = client.seqs;
    expect(received).toEqual(range(1, sentBefore));
    const pulled = await pullAll(client, at.feeds.cursor(sentBefore));
    expect(pulled.map(({ seq }) => seq)).toEqual(range(sentBefore + 1, head + 200));
    at.commit('ann');
    await eventually(() => expect(client.seqs).toEqual([...received, head + 201]));
  });

  it('gets an entry that was pushed during its last pull right after the answer', async () => {
    const at = await node({ pingTimeoutMs: 60_000 });
    const { client, stall, resume } = await connectStallable(at);
    stall();
    const head = await commitUntil(at, () => at.realtime.stats().drops === 1);
    const sent = at.realtime.stats().entriesSent;
    resume();
    await client.got('feed.behind');
    let written = false;
    at.feeds.beforeAnswer = ({ kind, after }) => {
      if (kind !== 'read' || written || (after ?? 0) < head - 11) return;
      written = true;
      at.commit('ann');
    };
    const pulled = await pullAll(client, at.feeds.cursor(sent));
    const reached = pulled.at(-1)?.seq ?? 0;
    await eventually(() => expect(client.seqs.at(-1)).toBe(head + 1));
    expect(client.seqs.slice(sent)).toEqual(range(reached + 1, head + 1));
  });

  it('does not hold up another tab of its user', async () => {
    const at = await node({ pingTimeoutMs: 60_000 });
    const { stall } = await connectStallable(at);
    const healthy = connect(at.url);
    await healthy.got('session.ready');
    stall();
    const head = await commitUntil(at, () => at.realtime.stats().drops === 1);
    at.commit('ann');
    await healthy.gotExactly(1, head + 1);
  });

  it('is closed if it goes on sending commands without reading the answers', async () => {
    const big = { name: 'big', check: (input: unknown) => input, handle: async () => large };
    const limits = { commandsPerSecond: 1_000_000, unsentBytes: 64 * 1024 };
    const at = await node({ pingTimeoutMs: 60_000, commands: [big], limits });
    const raw = await rawSocket(at.port);
    onEnd(() => raw.destroy());
    raw.send(`40/${service},${JSON.stringify({ token: token('ann') })}`);
    await eventually(() => expect(at.realtime.socketCount).toBe(1));
    raw.pause();
    await eventually(() => {
      for (let id = 0; id < 500; id++) raw.send(`42/${service},${id}["big"]`);
      expect(at.realtime.socketCount).toBe(0);
    });
  });
});

describe('a burst on a healthy connection', () => {
  it('exceeds the budget for a moment and still arrives without a pull', async () => {
    const at = await node();
    const client = connect(at.url);
    await client.got('session.ready');
    for (let i = 0; i < 50; i++) at.commit('ann', large);
    await client.gotExactly(1, 50);
    expect(at.realtime.stats().drops).toBe(0);
    expect(client.events).not.toContain('feed.behind');
  });

  it('arrives even if the event loop stands still for longer than a slow client may lag', async () => {
    const at = await node();
    const client = connect(at.url);
    await client.got('session.ready');
    for (let i = 0; i < 50; i++) at.commit('ann', large);
    const end = Date.now() + 1_500;
    while (Date.now() < end);
    await client.gotExactly(1, 50);
    expect(at.realtime.stats().drops).toBe(0);
    expect(client.events).not.toContain('feed.behind');
  });
});
