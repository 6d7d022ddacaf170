import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { range } from './support/client.js';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { service, token } from './support/node.js';
import { ScriptedNodes } from './support/scripted-nodes.js';

closeAfterEach();

describe('a connected socket', () => {
  it('gets session.ready first, then live entries, each with its position in the feed', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 3);
    const client = connect(url);
    expect(await client.got('session.ready')).toEqual({
      userId: 'ann',
      sessionId: 's1',
      node: 'node-1',
      head: feeds.cursor(3),
      resumedFrom: null,
    });
    commit('ann', { hello: 1 });
    await client.gotExactly(4, 4);
    expect(client.received.at(-1)).toEqual({
      event: 'thing.happened',
      args: [{ hello: 1 }, { seq: 4, cursor: feeds.cursor(4), id: 'id-4', time: '2026-01-01T00:00:00.000Z' }],
    });
    expect(client.events).toEqual(['session.ready', 'thing.happened']);
  });

  it('gets no entry of another user', async () => {
    const { url, commit, realtime } = await node();
    const client = connect(url);
    await client.got('session.ready');
    commit('bob');
    commit('ann');
    await client.gotExactly(1, 1);
    expect(realtime.stats()).toMatchObject({ sockets: 1, users: 1, entriesSent: 1 });
  });
});

describe('resuming', () => {
  it('sends more than one page of missed entries in order, followed by those written meanwhile', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 250);
    let writes = 0;
    feeds.beforeAnswer = ({ kind }) => {
      if (kind !== 'heads' && writes++ < 3) commit('ann');
    };
    const client = connect(url, { cursor: feeds.cursor(5) });
    expect(await client.got('session.ready')).toMatchObject({
      head: feeds.cursor(250),
      resumedFrom: feeds.cursor(5),
    });
    await client.gotExactly(6, 253);
    commit('ann');
    await client.gotExactly(6, 254);
    expect(client.events[0]).toBe('session.ready');
  });

  it('sends an entry that is written while the cursor is looked up', async () => {
    // A socket that joined after the look-up would miss this push, and no later gap would show it.
    const { url, feeds, commit } = await node();
    feeds.write('ann');
    feeds.beforeAnswer = ({ kind }) => {
      if (kind === 'resolve') commit('ann');
    };
    const client = connect(url, { cursor: feeds.cursor(1) });
    await client.gotExactly(2, 2);
  });

  it('sends an entry that is written while the head is read for a socket without a cursor', async () => {
    const { url, feeds, commit } = await node();
    feeds.beforeAnswer = ({ kind }) => {
      if (kind === 'head') commit('ann');
    };
    const client = connect(url);
    await client.gotExactly(1, 1);
  });

  it('answers an unusable cursor with feed.reset, the head and the reason, and goes live', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 10);
    const old = feeds.cursor(2);
    const foreign = feeds.cursor(3, 'other');
    feeds.prune('ann', 5);
    const cases = [
      { cursor: old, reason: 'too-old' },
      { cursor: foreign, reason: 'epoch' },
      { cursor: feeds.cursor(99), reason: 'unknown' },
      { cursor: 'gibberish', reason: 'unknown' },
      { cursor: 42, reason: 'unknown' },
      { cursor: '', reason: 'unknown' },
      { cursor: 'x'.repeat(10_000), reason: 'unknown' },
    ];
    const clients = cases.map(({ cursor }) => connect(url, { cursor }));
    for (const [i, client] of clients.entries()) {
      expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(10), reason: cases[i]?.reason });
      expect(client.events).toEqual(['session.ready', 'feed.reset']);
      expect(client.named('session.ready')).toMatchObject([{ head: feeds.cursor(10), resumedFrom: null }]);
    }
    commit('ann');
    for (const client of clients) await client.gotExactly(11, 11);
  });

  it('resets a socket whose next entries are deleted while it catches up', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 300);
    let reads = 0;
    feeds.beforeAnswer = ({ kind }) => {
      if (kind === 'read' && ++reads === 1) feeds.prune('ann', 280);
    };
    const client = connect(url, { cursor: feeds.cursor(0) });
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(300), reason: 'too-old' });
    commit('ann');
    await eventually(() => expect(client.seqs.at(-1)).toBe(301));
    expect(client.seqs).toEqual([...range(1, 200), 301]);
  });
});

describe('while the database can not be read, a socket', () => {
  it('stays connected with a null head, and resumes when the database is back', async () => {
    const { url, feeds, commit } = await node();
    feeds.writeMany('ann', 3);
    feeds.failure = new Error('connection refused');
    const client = connect(url, { cursor: feeds.cursor(1) });
    expect(await client.got('session.ready')).toMatchObject({ head: null, resumedFrom: null });
    commit('ann');
    feeds.failure = undefined;
    await client.gotExactly(2, 4);
    expect(client.disconnects).toEqual([]);
  });

  it('without a cursor is reset when the database is back, since it may have missed entries', async () => {
    const { url, feeds, commit } = await node();
    feeds.failure = new Error('connection refused');
    const client = connect(url);
    await client.got('session.ready');
    commit('ann');
    feeds.failure = undefined;
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(1), reason: 'unavailable' });
    commit('ann');
    await client.gotExactly(2, 2);
  });

  it('waits with a gap, which is filled when the database is back', async () => {
    const { url, feeds, commit } = await node();
    const client = connect(url);
    await client.got('session.ready');
    feeds.failure = new Error('connection refused');
    feeds.write('ann');
    commit('ann');
    await eventually(() => expect(feeds.readsOf('ann').length).toBeGreaterThan(0));
    expect(client.seqs).toEqual([]);
    feeds.failure = undefined;
    await client.gotExactly(1, 2);
  });
});

describe('pushes from other nodes', () => {
  it('send the missing entries from the feed before the pushed one', async () => {
    const { url, feeds, nodes, realtime } = await node();
    const client = connect(url);
    await client.got('session.ready');
    feeds.writeMany('ann', 2);
    nodes.deliver(service, [feeds.write('ann')]);
    await client.gotExactly(1, 3);
    expect(realtime.stats()).toMatchObject({ gaps: 1 });
  });

  it('are dropped if they are duplicates or late', async () => {
    const { url, feeds, nodes } = await node();
    const client = connect(url);
    await client.got('session.ready');
    const entries = feeds.writeMany('ann', 3);
    const messages = [entries, entries, entries.slice(0, 1), entries.slice(1)];
    for (const some of messages) nodes.deliver(service, some);
    nodes.deliver(service, [feeds.write('ann')]);
    await client.gotExactly(1, 4);
  });

  it('are put into the right order without reading the feed', async () => {
    const { url, feeds, nodes } = await node();
    const client = connect(url);
    await client.got('session.ready');
    const [first, second] = feeds.writeMany('ann', 2);
    if (!first || !second) throw new Error('not written');
    nodes.deliver(service, [second]);
    nodes.deliver(service, [first]);
    await client.gotExactly(1, 2);
    expect(feeds.readsOf('ann')).toEqual([]);
  });

  it('come for connected users only, and are dropped if they are no entry of that user', async () => {
    const { url, feeds, nodes } = await node();
    const client = connect(url);
    await client.got('session.ready');
    const key = `${service}/user:ann`;
    expect([...nodes.followed.keys()]).toEqual([key]);
    for (const message of [null, { userId: 'ann' }, feeds.write('bob')]) nodes.deliverTo(key, message);
    expect((await client.command('things.echo', {})).ok).toBe(true);
    expect(client.seqs).toEqual([]);
    client.close();
    await eventually(() => expect(nodes.followed.size).toBe(0));
  });

  it('are awaited before the feed is read, so that no entry between the two is missed', async () => {
    const nodes = new ScriptedNodes();
    const registered = gate();
    nodes.registered = registered.opened;
    const { url, feeds } = await node({ nodes });
    const client = connect(url, { cursor: feeds.cursor(0) });
    await eventually(() => expect(nodes.followed.size).toBe(1));
    expect(feeds.calls).toEqual([]);
    feeds.write('ann');
    registered.open();
    await client.gotExactly(1, 1);
  });

  it('make a gap read once for all tabs of a user', async () => {
    const { url, feeds, nodes } = await node();
    const tabs = Array.from({ length: 8 }, () => connect(url));
    for (const tab of tabs) await tab.got('session.ready');
    feeds.writeMany('ann', 20);
    nodes.deliver(service, [feeds.write('ann')]);
    for (const tab of tabs) await tab.gotExactly(1, 21);
    expect(feeds.readsOf('ann')).toHaveLength(1);
  });
});

describe('entries committed on a node', () => {
  it('are sent to the other nodes that follow their users', async () => {
    const { feeds, nodes, realtime } = await node();
    const entries = [...feeds.writeMany('ann', 2), feeds.write('bob')];
    realtime.committed(entries);
    expect(nodes.sent).toEqual(
      entries.map((message) => ({ key: `${service}/user:${message.userId}`, message })),
    );
  });
});

describe('the sweep', () => {
  it('is needed because a lost push that no other one follows leaves no gap', async () => {
    const { url, feeds } = await node();
    const client = connect(url);
    await client.got('session.ready');
    feeds.write('ann');
    expect((await client.command('things.echo', {})).ok).toBe(true);
    expect(client.seqs).toEqual([]);
  });

  it('sends entries whose push was lost', async () => {
    const { url, feeds, realtime } = await node({ sweepMs: 150 });
    const client = connect(url);
    await client.got('session.ready');
    feeds.write('ann');
    await client.gotExactly(1, 1);
    expect(realtime.stats().sweepRepairs).toBe(1);
  });

  it('checks every user once a round, a few at a time', async () => {
    const { url, feeds } = await node({ sweepMs: 300 });
    const users = Array.from({ length: 15 }, (_, i) => `user-${i}`);
    const clients = users.map((user) => connect(url, { token: token(user) }));
    for (const client of clients) await client.got('session.ready');
    for (const user of users) feeds.write(user);
    for (const client of clients) await client.gotExactly(1, 1);
    const asked = feeds.calls
      .filter(({ kind }) => kind === 'heads')
      .map(({ userId }) => userId.split(',').length);
    expect(Math.max(...asked)).toBeLessThan(5);
  });

  it('tries again soon if heads can not be read', async () => {
    const { url, feeds } = await node({ sweepMs: 150 });
    const client = connect(url);
    await client.got('session.ready');
    feeds.failure = new Error('connection refused');
    feeds.write('ann');
    const before = feeds.calls.length;
    await eventually(() => expect(feeds.calls.length).toBeGreaterThan(before + 2));
    feeds.failure = undefined;
    await client.gotExactly(1, 1);
  });

  it('resets sockets whose feed was restored to an older state', async () => {
    const { url, feeds, commit } = await node({ sweepMs: 150 });
    feeds.writeMany('ann', 8);
    const client = connect(url);
    await client.got('session.ready');
    commit('ann');
    await client.gotExactly(9, 9);
    feeds.restore('ann', 5);
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(5), reason: 'epoch' });
    commit('ann');
    await eventually(() => expect(client.seqs).toEqual([9, 6]));
  });

  it('resets sockets whose feed was restored and has grown beyond them since', async () => {
    const { url, feeds } = await node({ sweepMs: 150 });
    feeds.writeMany('ann', 10);
    const client = connect(url);
    await client.got('session.ready');
    feeds.restore('ann', 7);
    feeds.writeMany('ann', 5);
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(12), reason: 'epoch' });
    expect(client.seqs).toEqual([]);
  });

  it('resets sockets if a push of another epoch has the very next number', async () => {
    const { url, feeds, commit } = await node({ sweepMs: 60_000 });
    feeds.writeMany('ann', 10);
    const client = connect(url);
    await client.got('session.ready');
    feeds.restore('ann', 10);
    commit('ann');
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(11), reason: 'epoch' });
    expect(client.seqs).toEqual([]);
    commit('ann');
    await client.gotExactly(12, 12);
  });

  it('resets sockets whose feed has another epoch at the same number', async () => {
    const { url, feeds } = await node({ sweepMs: 150 });
    feeds.writeMany('ann', 8);
    const client = connect(url);
    await client.got('session.ready');
    feeds.restore('ann', 8);
    expect(await client.got('feed.reset')).toEqual({ head: feeds.cursor(8), reason: 'epoch' });
  });
});
