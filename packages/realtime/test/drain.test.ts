import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { closeAfterEach, connect, node, onEnd } from './support/fixtures.js';
import { MemoryFeeds } from './support/memory-feeds.js';
import { service, startNode } from './support/node.js';
import { rawSocket } from './support/raw-socket.js';

closeAfterEach();

describe('draining', () => {
  it('gives each client a slot of its own and serves it until it leaves', async () => {
    const { url, realtime, commit } = await node();
    const clients = Array.from({ length: 4 }, () => connect(url));
    for (const client of clients) await client.got('session.ready');
    const drained = realtime.drain(20_000);
    const slots = [];
    for (const client of clients) {
      slots.push((await client.got<{ reconnectAfterMs: number }>('session.draining')).reconnectAfterMs);
    }
    expect(new Set(slots).size).toBe(4);
    expect(Math.max(...slots)).toBeLessThan(12_000);
    commit('ann');
    for (const client of clients) {
      await client.gotExactly(1, 1);
      expect((await client.command('things.echo')).ok).toBe(true);
      client.close();
    }
    const before = Date.now();
    await drained;
    expect(Date.now() - before).toBeLessThan(10_000);
  });

  it('refuses new connections with 503 at the upgrade', async () => {
    const { port, realtime } = await node();
    await realtime.drain(0);
    const raw = await rawSocket(port);
    await raw.closed;
    expect(raw.text()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  });

  it('refuses long-polling with 503', async () => {
    const { port, realtime } = await node({ polling: true });
    const poll = () => fetch(`http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`);
    expect((await poll()).status).toBe(200);
    await realtime.drain(0);
    expect((await poll()).status).toBe(503);
  });

  it('waits for running commands and sends their answers', async () => {
    const handler = gate();
    const slow = {
      name: 'slow',
      check: (input: unknown) => input,
      handle: () => handler.opened.then(() => 'done'),
    };
    const { url, realtime } = await node({ commands: [slow] });
    const client = connect(url);
    await client.got('session.ready');
    const answer = client.command('slow');
    await client.command('feed.pull', { limit: 1 });
    const drained = realtime.drain(50);
    await client.got('session.draining');
    setTimeout(handler.open, 200);
    expect(await answer).toEqual({ ok: true, data: 'done' });
    await drained;
    await eventually(() => expect(client.disconnects).toEqual(['transport close']));
  });

  it('gives a slot to a client whose handshake was in progress', async () => {
    const { url, realtime, feeds } = await node();
    let drained: Promise<void> | undefined;
    feeds.beforeAnswer = ({ kind }) => {
      if (kind === 'head') drained = realtime.drain(300);
    };
    const client = connect(url);
    await client.got('session.draining');
    await drained;
  });

  it('makes Socket.IO clients reconnect to another node, where they miss nothing', async () => {
    const feeds = new MemoryFeeds();
    const going = await startNode({ feeds, node: 'going' });
    const client = connect(going.url, () => ({ cursor: feeds.cursor(client.seqs.at(-1) ?? 0) }));
    await client.got('session.ready');
    going.commit('ann');
    await client.gotExactly(1, 1);
    const drained = going.realtime.drain(200);
    going.commit('ann');
    await drained;
    feeds.write('ann');
    await eventually(() => expect(client.disconnects).toEqual(['transport close']));
    await going.close();

    // The same address, as a load balancer's would be.
    const coming = await node({ feeds, node: 'coming', port: going.port });
    expect(await client.got('session.ready', 2)).toMatchObject({ node: 'coming' });
    coming.commit('ann');
    await client.gotExactly(1, 4);
  });

  it('lets Socket.IO clients retry after a 503 until a node accepts them', async () => {
    const { url, realtime, server, port } = await node();
    await realtime.drain(0);
    const client = connect(url);
    const errors: unknown[] = [];
    client.socket.on('connect_error', (error) => errors.push(error));
    await eventually(() => expect(errors.length).toBeGreaterThan(1));
    await realtime.close();
    await new Promise((resolve) => server.close(resolve));
    await node({ port });
    await client.got('session.ready');
  });
});

describe('closing a node', () => {
  it('closes all connections, even of clients that read nothing or never joined, and stops reading feeds', async () => {
    const at = await startNode({ sweepMs: 30, pingTimeoutMs: 60_000 });
    const client = connect(at.url, {}, { reconnection: false });
    await client.got('session.ready');
    const silent = await rawSocket(at.port);
    silent.pause();
    onEnd(() => silent.destroy());
    const before = Date.now();
    await at.close();
    expect(Date.now() - before).toBeLessThan(10_000);
    await eventually(() => expect(client.disconnects).toEqual(['transport close']));
    expect(at.realtime.stats()).toMatchObject({ sockets: 0, users: 0 });
    const asked = at.feeds.calls.length;
    at.commit('ann');
    expect(at.feeds.calls.length).toBe(asked);
    expect(at.nodes.sent).toMatchObject([{ key: `${service}/user:ann` }]);
  });
});
