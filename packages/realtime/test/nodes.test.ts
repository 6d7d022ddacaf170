import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { brokerUser } from '@warren/amqp-link';
import { eventually, type FaultProxy, faultProxy, type TestBroker, testBroker } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { pino } from 'pino';
import type { FeedMessage, NodeLink, NodeMessage } from '../src/api.js';
import {
  createLocalNodeLink,
  createRabbitMqNodeLink,
  nodesExchange,
  type RabbitMqNodeLink,
  type RabbitMqNodeLinkOptions,
} from '../src/nodes/index.js';

const log = pino({ level: 'silent' });
let made = 0;

function message(service: string, text = ''): FeedMessage {
  made += 1;
  const entry = {
    userId: 'u1',
    seq: made,
    cursor: `c${made}`,
    type: 'notification.created',
    id: `id-${made}`,
    time: '2026-01-01T00:00:00Z',
    data: { text },
  };
  return { kind: 'feed', service, entries: [entry] };
}

describe('node link over RabbitMQ', () => {
  let broker: TestBroker;
  let user: string;
  let raw: ConfirmChannel;
  let closeRaw: () => Promise<void>;
  let service: string;
  let cleanUp: Array<() => Promise<void>>;

  beforeAll(async () => {
    broker = await testBroker();
    user = brokerUser(broker.url) ?? '';
    const model = await connect(broker.url, { noDelay: true });
    raw = await model.createConfirmChannel();
    closeRaw = () => model.close();
  });
  afterAll(async () => {
    await closeRaw();
    await broker.close();
  });
  beforeEach(() => {
    made += 1;
    service = `service-${made}-${Date.now()}`;
    cleanUp = [];
  });
  afterEach(async () => {
    for (const close of cleanUp.reverse()) await close();
  });

  async function open(
    options: Partial<RabbitMqNodeLinkOptions> = {},
  ): Promise<{ link: RabbitMqNodeLink; got: NodeMessage[] }> {
    const link = createRabbitMqNodeLink({ url: broker.url, service, node: 'n', log, ...options });
    cleanUp.push(() => link.close());
    const got: NodeMessage[] = [];
    link.onMessage((one) => got.push(one));
    await eventually(() => expect(link.state).toBe('up'));
    return { link, got };
  }

  async function throughProxy(): Promise<{ url: string; proxy: FaultProxy }> {
    const target = new URL(broker.url);
    const proxy = await faultProxy({ host: target.hostname, port: Number(target.port || 5672) });
    cleanUp.push(() => proxy.close());
    const url = new URL(broker.url);
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    return { url: url.href, proxy };
  }

  it('hears again after its exchange was deleted and made anew under it', async () => {
    const [one, other] = [await open({ aliveEveryMs: 50 }), await open({ aliveEveryMs: 50 })];
    await raw.deleteExchange(nodesExchange(service));
    await raw.assertExchange(nodesExchange(service), 'fanout', { durable: true });
    await eventually(() => {
      one.link.broadcast(message(service));
      expect(other.got.length).toBeGreaterThan(0);
    });
  });

  it('reaches every other node of the service, and no node of another', async () => {
    const [sender, second, third] = [await open(), await open(), await open()];
    const stranger = await open({ service: `${service}-other` });
    const first = message(service, 'Grüße');
    sender.link.broadcast(first);
    await eventually(() => {
      expect(second.got).toEqual([first]);
      expect(third.got).toEqual([first]);
    });
    // Whatever the others could have been sent before has passed once this has arrived.
    const last = message(service);
    second.link.broadcast(last);
    await eventually(() => expect(sender.got).toEqual([last]));
    expect(stranger.got).toEqual([]);
  });

  it('knows of a peer as soon as that one listens, and of its end some intervals later', async () => {
    const aliveEveryMs = 1_000;
    const stranger = await open({ service: `${service}-other`, aliveEveryMs });
    const first = await open({ aliveEveryMs });
    const knows = (any: boolean) =>
      eventually(() => expect(first.link.hasPeers).toBe(any), { within: 20_000 });
    await knows(false);

    const { url, proxy } = await throughProxy();
    const known = knows(true);
    const second = await open({ url, aliveEveryMs: 60_000 });
    await known;
    const one = message(service);
    first.link.broadcast(one);
    await eventually(() => expect(second.got).toEqual([one]));

    await knows(false);
    proxy.refuse();
    await eventually(() => expect(second.link.state).toBe('degraded'));
    const knownAgain = knows(true);
    proxy.resume();
    await knownAgain;
    expect(first.link.missed + second.link.missed).toBe(0);
    expect(stranger.link.hasPeers).toBe(false);
  }, 90_000);

  it('takes it that there are peers while it has only just begun to listen', async () => {
    const { link } = await open({ aliveEveryMs: 60_000 });
    expect(link.hasPeers).toBe(true);
  });

  it('goes on knowing of peers that only tell that they are there', async () => {
    const aliveEveryMs = 50;
    const nodes = [await open({ aliveEveryMs }), await open({ aliveEveryMs })];
    const since = Date.now();
    await eventually(() => expect(Date.now() - since).toBeGreaterThan(aliveEveryMs * 5));
    for (const { link } of nodes) await eventually(() => expect(link.hasPeers).toBe(true));
  });

  it('survives what is no message, and a listener that throws', async () => {
    const sender = await open();
    const receiver = await open();
    receiver.link.onMessage(() => {
      throw new Error('a broken listener');
    });
    for (const content of [
      '',
      'null',
      '{',
      '[]',
      '{"kind":"feed"}',
      '{"kind":"feed","service":"x","entries":[1]}',
    ]) {
      raw.publish(nodesExchange(service), '', Buffer.from(content), { userId: user });
    }
    await raw.waitForConfirms();
    const good = [message(service), message(service)];
    for (const one of good) sender.link.broadcast(one);
    await eventually(() => expect(receiver.got).toEqual(good));
  });

  it('drops what another broker user published, or nobody whom the broker knows, and is told of no peer by it', async () => {
    const aliveEveryMs = 1_000;
    const [node, stranger] = [await open({ aliveEveryMs }), await open({ service: `${service}-other` })];
    await eventually(() => expect(node.link.hasPeers).toBe(false), { within: 20_000 });
    const exchange = nodesExchange(service);
    const forged = Buffer.from(JSON.stringify(message(service, 'forged')));
    raw.publish(exchange, '', Buffer.alloc(0), { appId: service, messageId: 'forger', type: 'alive' });
    raw.publish(exchange, '', forged, { appId: service, messageId: 'forger', correlationId: '1' });
    await raw.waitForConfirms();
    await eventually(() => expect(node.link.unauthorized).toBe(2));
    expect(node.link.hasPeers).toBe(false);
    expect([node.got, stranger.got]).toEqual([[], []]);
  }, 40_000);

  it('drops and counts while the broker is away, never throws, and comes back', async () => {
    const { url, proxy } = await throughProxy();
    const sender = await open({ url });
    const receiver = await open();
    proxy.refuse();
    await eventually(() => expect(sender.link.state).toBe('degraded'));
    sender.link.broadcast(message(service));
    expect(sender.link.drops).toBe(1);
    proxy.resume();
    await eventually(() => expect(sender.link.state).toBe('up'));
    const after = message(service);
    sender.link.broadcast(after);
    receiver.link.broadcast(after);
    await eventually(() => {
      expect(receiver.got).toEqual([after]);
      expect(sender.got).toEqual([after]);
    });
  });

  it('never throws on what can not be written', async () => {
    const { link } = await open();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const one = message(service);
    link.broadcast({ ...one, entries: one.entries.map((entry) => ({ ...entry, data: circular })) });
    expect(link.drops).toBe(1);
    expect(link.state).toBe('up');
  });

  it('takes a new queue after a half-open cut, while the broker still holds the old one', async () => {
    const { url, proxy } = await throughProxy();
    // The broker hears nothing of this end: it sees a stalled connection, the node sees one that failed.
    const node = createRabbitMqNodeLink({ url: `${url}?heartbeat=1`, service, node: 'n', log });
    cleanUp.push(() => node.close());
    const got: NodeMessage[] = [];
    node.onMessage((one) => got.push(one));
    await eventually(() => expect(node.state).toBe('up'));
    proxy.stall();
    await eventually(() => expect(node.state).toBe('degraded'));
    proxy.resume();
    await eventually(() => expect(node.state).toBe('up'));
    const sender = await open();
    const one = message(service);
    sender.link.broadcast(one);
    await eventually(() => expect(got).toEqual([one]));
  });

  it('bounds what is on its way to a broker that does not answer', async () => {
    const { url, proxy } = await throughProxy();
    const { link } = await open({ url });
    proxy.stall();
    const large = message(service, 'x'.repeat(1024 * 1024));
    for (let sent = 0; sent < 20; sent += 1) link.broadcast(large);
    expect(link.drops).toBeGreaterThanOrEqual(12);
    expect(link.drops).toBeLessThanOrEqual(13);
    proxy.resume();
    await eventually(() => expect(link.state).toBe('up'));
  });

  it('bounds what the broker keeps for a slow node: the newest stay, the missing are counted', async () => {
    const { url, proxy } = await throughProxy();
    const slow = await open({ url, maxQueueBytes: 256 * 1024 });
    const quick = await open();
    const sender = await open();
    sender.link.broadcast(message(service, 'before'));
    await eventually(() => expect(slow.got).toHaveLength(1));
    proxy.stall();
    for (let sent = 1; sent <= 400; sent += 1) {
      sender.link.broadcast(message(service, 'x'.repeat(64 * 1024)));
      if (sent % 40 === 0) await eventually(() => expect(quick.got).toHaveLength(sent + 1));
    }
    proxy.resume();
    const last = message(service, 'last');
    sender.link.broadcast(last);
    await eventually(() => expect(slow.got).toContainEqual(last));
    expect(sender.link.drops).toBe(0);
    expect(slow.link.missed).toBeGreaterThan(200);
    expect(slow.got.length + slow.link.missed).toBe(402);
  });
});

describe('local node link', () => {
  it('is up and reaches nobody', async () => {
    const link: NodeLink = createLocalNodeLink();
    const got: NodeMessage[] = [];
    link.onMessage((one) => got.push(one));
    link.broadcast(message('user'));
    expect(link.state).toBe('up');
    expect(link.hasPeers).toBe(false);
    expect(got).toEqual([]);
    await link.close();
  });
});
