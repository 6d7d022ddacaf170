import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { createRabbitMqNodeBus, nodesExchange } from '../src/index.js';
import { record } from './conformance/rule.js';
import { describeNodeBus } from './conformance.js';
import { type Bench, openBench, silent } from './support/rabbitmq.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const eventsExchange = 'warren.events';

describeNodeBus({
  name: 'rabbitmq',
  create: async () => {
    const proxies = new Map<unknown, Awaited<ReturnType<Bench['proxied']>>['proxy']>();
    return {
      async connect(service, type) {
        const { url, proxy } = await bench.proxied();
        const events = { exchange: eventsExchange, types: [type], authorize: () => true };
        const node = await bench.open({ url, service, events });
        proxies.set(node, proxy);
        return node;
      },
      async publish({ type, body }) {
        bench.raw.publish(eventsExchange, type, Buffer.from(body), { userId: bench.user });
        await bench.raw.waitForConfirms();
      },
      cut: async (node) => proxies.get(node)?.refuse(),
      resume: async (node) => proxies.get(node)?.resume(),
      close: () => bench.cleanUp(),
    };
  },
  features: { outages: true },
});

describe('node bus over RabbitMQ', () => {
  let service: string;
  let key: string;
  let made = 0;

  beforeEach(() => {
    made += 1;
    service = `service-${made}-${Date.now()}`;
    key = `${service}/user:1`;
  });
  afterEach(() => bench.cleanUp());

  it.each(['own exchange', 'events exchange'])(
    'hears again after its %s was deleted and made anew, without its bindings',
    async (which) => {
      const type = `thing-${made}.happened`;
      const events = { exchange: `events-of-${service}`, types: [type], authorize: () => true };
      const options = { service, aliveEveryMs: 50, events };
      const [one, other] = [await bench.open(options), await bench.open(options)];
      const got = await record(other, key);
      other.onEvent(() => void got.push('event'));
      const [exchange, kind] =
        which === 'own exchange' ? [nodesExchange(service), 'direct'] : [events.exchange, 'topic'];
      await bench.raw.deleteExchange(exchange);
      await bench.raw.assertExchange(exchange, kind, { durable: true });
      await eventually(() => {
        one.send(key, 'sent');
        bench.raw.publish(events.exchange, type, Buffer.from('{}'), { userId: bench.user });
        expect(got).toEqual(expect.arrayContaining(['sent', 'event']));
      });
    },
  );

  it.each(['own exchange', 'events exchange'])(
    'reports a gap after its %s was deleted and declared again',
    async (which) => {
      const events = { exchange: `events-of-${service}`, types: ['thing.happened'], authorize: () => true };
      const node = await bench.open({ service, aliveEveryMs: 50, events });
      let connected = 0;
      node.onConnected(() => {
        connected += 1;
      });
      const [exchange, kind] =
        which === 'own exchange' ? [nodesExchange(service), 'direct'] : [events.exchange, 'topic'];
      // Checks that find all bindings report nothing.
      const spy = await bench.raw.assertQueue('', { exclusive: true });
      for (const other of [nodesExchange(service), events.exchange])
        await bench.raw.bindQueue(spy.queue, other, 'all');
      await eventually(async () => {
        const { messageCount } = await bench.raw.checkQueue(spy.queue);
        expect(messageCount).toBeGreaterThan(3);
      });
      expect(connected).toBe(0);
      await bench.raw.deleteExchange(exchange);
      await bench.raw.assertExchange(exchange, kind, { durable: true });
      await eventually(() => expect(connected).toBeGreaterThan(0));
    },
  );

  it('knows of a peer as soon as that one listens, and of its end some intervals later', async () => {
    const aliveEveryMs = 1_000;
    const first = await bench.open({ service, aliveEveryMs });
    const spy = await bench.raw.assertQueue('', { exclusive: true });
    await bench.raw.bindQueue(spy.queue, nodesExchange(service), 'all');
    const published = async () => {
      await bench.raw.purgeQueue(spy.queue);
      first.send(key, 'published');
      for (let tries = 0; tries < 20; tries += 1) {
        const message = await bench.raw.get(spy.queue, { noAck: true });
        if (message !== false && message.content.includes('published')) return true;
      }
      return false;
    };
    const knows = (any: boolean) =>
      eventually(async () => expect(await published()).toBe(any), { within: 20_000 });
    await knows(false);

    const { url, proxy } = await bench.proxied();
    const second = await bench.open({ url, service, aliveEveryMs: 60_000 });
    const got = await record(second, key);
    await knows(true);
    await eventually(() => expect(got).toContain('published'));

    await knows(false);
    proxy.refuse();
    await eventually(() => expect(second.state).toBe('degraded'));
    proxy.resume();
    await knows(true);
    expect(first.stats().missed + second.stats().missed).toBe(0);
  }, 90_000);

  it('sends from the start, since peers that it has not heard yet may be there', async () => {
    const options = { service, aliveEveryMs: 60_000 };
    const [first, second] = [await bench.open(options), await bench.open(options)];
    const got = await record(second, key);
    first.send(key, 1);
    await eventually(() => expect(got).toEqual([1]));
  });

  it('goes on sending to peers that say nothing but that they are alive', async () => {
    const aliveEveryMs = 50;
    const [first, second] = [
      await bench.open({ service, aliveEveryMs }),
      await bench.open({ service, aliveEveryMs }),
    ];
    const since = Date.now();
    await eventually(() => expect(Date.now() - since).toBeGreaterThan(aliveEveryMs * 5));
    const got = await record(second, key);
    await eventually(() => {
      first.send(key, 1);
      expect(got).not.toEqual([]);
    });
  });

  it('survives messages that it can not read, and ignores kinds that only newer builds know', async () => {
    const [sender, receiver] = [await bench.open({ service }), await bench.open({ service })];
    const got = await record(receiver, key);
    for (const content of [
      '',
      'null',
      '{',
      '[]',
      '{"kind":"sent"}',
      '{"kind":"sent","messages":[1]}',
      '{"kind":"new"}',
    ])
      bench.raw.publish(nodesExchange(service), 'all', Buffer.from(content), { userId: bench.user });
    await bench.raw.waitForConfirms();
    sender.send(key, 'readable');
    await eventually(() => expect(got).toEqual(['readable']));
  });

  it('refuses messages and events of a publisher that the broker does not vouch for, and takes it for no peer', async () => {
    const aliveEveryMs = 1_000;
    const type = `thing-${made}.happened`;
    const events = {
      exchange: eventsExchange,
      types: [type],
      authorize: (user: string) => user === 'nobody',
    };
    const node = await bench.open({ service, aliveEveryMs, events });
    const got = await record(node, key);
    node.onEvent(({ body }) => void got.push(body));
    const forged = Buffer.from(JSON.stringify({ kind: 'sent', messages: [[key, 'forged']] }));
    bench.raw.publish(nodesExchange(service), 'all', forged, { messageId: 'forger', correlationId: '1' });
    bench.raw.publish(eventsExchange, type, Buffer.from('{}'), {});
    bench.raw.publish(eventsExchange, type, Buffer.from('{}'), { userId: bench.user });
    await bench.raw.waitForConfirms();
    await eventually(() => expect(node.stats().unauthorized).toBe(3));
    expect(got).toEqual([]);
  });

  it('takes a new queue after a half-open cut, while the broker still holds the old one', async () => {
    const { url, proxy } = await bench.proxied();
    // The broker hears nothing of this end: it sees a stalled connection, the node sees one that failed.
    const node = await bench.open({ url: `${url}?heartbeat=1`, service });
    const got = await record(node, key);
    proxy.stall();
    await eventually(() => expect(node.state).toBe('degraded'));
    proxy.resume();
    await eventually(() => expect(node.state).toBe('up'));
    const sender = await bench.open({ service });
    sender.send(key, 1);
    await eventually(() => expect(got).toEqual([1]));
  });

  it('bounds what is on its way to a broker that does not answer', async () => {
    const { url, proxy } = await bench.proxied();
    const node = await bench.open({ url, service });
    proxy.stall();
    for (let sent = 0; sent < 20; sent += 1) node.send(key, 'x'.repeat(1024 * 1024));
    await eventually(() => expect(node.stats().dropped).toBeGreaterThanOrEqual(12));
    expect(node.stats().dropped).toBeLessThanOrEqual(13);
    proxy.resume();
    await eventually(() => expect(node.state).toBe('up'));
  });

  it('bounds what the broker keeps for a slow node: the newest stay, and the missing are counted', async () => {
    const { url, proxy } = await bench.proxied();
    const slow = await bench.open({ url, service, maxQueueBytes: 256 * 1024 });
    const [quick, sender] = [await bench.open({ service }), await bench.open({ service })];
    const [bySlow, byQuick] = [await record(slow, key), await record(quick, key)];
    sender.send(key, 'before');
    await eventually(() => expect(bySlow).toHaveLength(1));
    proxy.stall();
    for (let sent = 1; sent <= 400; sent += 1) {
      sender.announce(`${service}/filler`, 'x'.repeat(64 * 1024));
      sender.send(key, sent);
      if (sent % 40 === 0) await eventually(() => expect(byQuick).toHaveLength(sent + 1));
    }
    proxy.resume();
    await eventually(() => expect(bySlow).toContain(400));
    expect(sender.stats().dropped).toBe(0);
    expect(slow.stats().missed).toBeGreaterThan(200);
  });

  it('hears nothing of a system with another prefix on the same broker', async () => {
    const [blue, green] = [`blue-${made}`, `green-${made}`];
    const [sender, peer] = [
      await bench.open({ service, prefix: blue }),
      await bench.open({ service, prefix: blue }),
    ];
    const stranger = await bench.open({ service, prefix: green });
    const [ofPeer, ofStranger] = [await record(peer, key), await record(stranger, key)];
    sender.send(key, 1);
    sender.send(`${service}/user:2`, 2);
    await eventually(() => expect([ofPeer, peer.stats().wasted]).toEqual([[1], 1]));
    const twin = await bench.open({ service, prefix: green });
    twin.send(key, 'own');
    await eventually(() => expect(ofStranger).toEqual(['own']));
    expect(stranger.stats().wasted).toBe(0);
    expect(() =>
      createRabbitMqNodeBus({ url: bench.url, service, node: 'n', prefix: 'Blue', log: silent }),
    ).toThrow(/kebab case/);
  });
});
