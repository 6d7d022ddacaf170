import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type FaultProxy, faultProxy, type TestBroker, testBroker } from '@warren/testing';
import { pino } from 'pino';
import { type AmqpLink, type AmqpLinkOptions, createAmqpLink, ensureExchange } from '../src/index.js';

const silent = pino({ level: 'silent' });

describe('AMQP link', () => {
  let broker: TestBroker;
  let proxy: FaultProxy;
  let url: string;
  let links: AmqpLink[];

  beforeAll(async () => {
    broker = await testBroker();
  });
  afterAll(() => broker.close());
  beforeEach(async () => {
    links = [];
    const target = new URL(broker.url);
    proxy = await faultProxy({ host: target.hostname, port: Number(target.port || 5672) });
    const through = new URL(broker.url);
    through.hostname = '127.0.0.1';
    through.port = String(proxy.port);
    url = through.href;
  });
  afterEach(async () => {
    await Promise.all(links.map((link) => link.close()));
    await proxy.close();
  });

  function open(options: Partial<AmqpLinkOptions> = {}): AmqpLink {
    const link = createAmqpLink({ url, name: 'test', log: silent, ...options });
    links.push(link);
    return link;
  }

  it('sets up its channels again after the connection was cut', async () => {
    const link = open();
    const got: string[] = [];
    let setUps = 0;
    const channel = link.openChannel(async (session) => {
      setUps += 1;
      const { queue } = await session.channel.assertQueue('', { exclusive: true });
      await session.channel.consume(queue, (message) => got.push(String(message?.content)), { noAck: true });
      session.channel.sendToQueue(queue, Buffer.from(`set-up ${setUps}`));
    });
    await channel.attempted();
    expect(link.state).toBe('up');
    await eventually(() => expect(got).toEqual(['set-up 1']));
    proxy.cut();
    await eventually(() => expect(got).toEqual(['set-up 1', 'set-up 2']));
    await eventually(() => expect(link.state).toBe('up'));
  });

  it('retries a set-up that fails and keeps the other channels', async () => {
    const link = open();
    const steady = link.openChannel(async () => undefined);
    await steady.attempted();
    const before = steady.current;
    let attempts = 0;
    const shaky = link.openChannel(async ({ channel }) => {
      attempts += 1;
      if (attempts < 3) await channel.checkQueue('there-is-no-such-queue');
    });
    await shaky.attempted();
    expect(link.state).toBe('degraded');
    await eventually(() => expect(link.state).toBe('up'));
    expect(attempts).toBe(3);
    expect(steady.current).toBe(before);
  });

  it('declares a missing exchange without a warning and finds it the next time', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    for (let start = 0; start < 2; start += 1) {
      const link = open({ log });
      const channel = link.openChannel((session) => ensureExchange(session, 'warren.first-start', 'topic'));
      await channel.attempted();
      expect(channel.current).toBeDefined();
    }
    expect(lines).toEqual([]);
  });

  it('opens a new channel when the broker closes one', async () => {
    const link = open();
    const channel = link.openChannel(async () => undefined);
    await channel.attempted();
    const first = channel.current;
    first?.publish('there-is-no-such-exchange', '', Buffer.from('x'));
    await eventually(() => {
      expect(channel.current).toBeDefined();
      expect(channel.current).not.toBe(first);
    });
    expect(link.state).toBe('up');
  });

  it('survives a consumer that throws', async () => {
    const link = open();
    let calls = 0;
    const channel = link.openChannel(async (session) => {
      const { queue } = await session.channel.assertQueue('', { exclusive: true });
      await session.channel.consume(
        queue,
        () => {
          calls += 1;
          throw new Error('a broken consumer');
        },
        { noAck: true },
      );
      session.channel.sendToQueue(queue, Buffer.from('1'));
      session.channel.sendToQueue(queue, Buffer.from('2'));
    });
    await channel.attempted();
    await eventually(() => expect(calls).toBe(2));
    expect(link.state).toBe('up');
  });

  it('does not set up a closed channel again', async () => {
    const link = open();
    let setUps = 0;
    const channel = link.openChannel(async () => {
      setUps += 1;
    });
    await channel.attempted();
    await channel.close();
    expect(link.state).toBe('up');
    proxy.cut();
    await eventually(() => expect(link.state).toBe('degraded'));
    await eventually(() => expect(link.state).toBe('up'));
    expect(setUps).toBe(1);
  });

  it('starts and closes without a broker', async () => {
    proxy.refuse();
    const link = open();
    const channel = link.openChannel(async () => undefined);
    await channel.attempted();
    expect(channel.current).toBeUndefined();
    expect(link.state).toBe('degraded');
    await link.close();
    expect(() => link.openChannel(async () => undefined)).toThrow('closed');
  });

  it('notices by missing heartbeats that the broker does not answer', async () => {
    const link = open({ heartbeatSeconds: 1 });
    await link.openChannel(async () => undefined).attempted();
    proxy.stall();
    await eventually(() => expect(link.state).toBe('degraded'));
    proxy.resume();
    await eventually(() => expect(link.state).toBe('up'));
  });

  it('never logs the password', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    const refused = new URL(url);
    refused.username = 'nobody';
    refused.password = 'sesame-1234';
    const link = open({ url: refused.href, log });
    await eventually(() => expect(lines.join('')).toMatch(/cannot be reached/));
    await link.close();
    expect(lines.join('')).toContain(`127.0.0.1:${proxy.port}`);
    expect(lines.join('')).not.toContain('sesame');
  });

  it('refuses an invalid URL without showing it', () => {
    for (const wrong of ['sesame-1234', 'http://a:sesame-1234@b', 'amqp//a:sesame-1234@b']) {
      expect(() => open({ url: wrong })).toThrow(TypeError);
      expect(() => open({ url: wrong })).not.toThrow(/sesame/);
    }
  });

  it('uses TLS for amqps URLs', async () => {
    const firstBytes: number[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        firstBytes.push(data[0] ?? -1);
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const link = open({ url: `amqps://guest:guest@127.0.0.1:${port}` });
    await eventually(() => expect(firstBytes[0]).toBe(0x16));
    await link.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
