import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connect as amqp } from 'amqplib';
import pg from 'pg';
import { serverFor } from '../src/addresses.js';
import {
  eventually,
  type FaultProxy,
  faultProxy,
  quietPorts,
  testBroker,
  testDatabase,
} from '../src/index.js';
import { templatesOfRun } from '../src/template.js';

describe('testBroker', () => {
  it('gives each caller its own vhost and deletes it again', async () => {
    const [one, two] = await Promise.all([testBroker(), testBroker()]);
    expect(one.isolated).toBe(true);
    const connection = await amqp(one.url);
    connection.on('error', () => undefined);
    const other = await amqp(two.url);
    await (await connection.createChannel()).assertQueue('mine', { durable: true });
    const probe = await other.createChannel();
    probe.on('error', () => undefined);
    await expect(probe.checkQueue('mine')).rejects.toThrow('NOT_FOUND');
    await other.close();
    const cut = new Promise((resolve) => connection.once('close', resolve));
    await Promise.all([one.close(), two.close()]);
    await cut;
    await expect(amqp(one.url)).rejects.toThrow();
  });
});

describe('testDatabase', () => {
  it('gives each caller an empty database and drops it even while a client is connected', async () => {
    const database = await testDatabase();
    const client = new pg.Client(database.url);
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query(
      `SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'`,
    );
    expect(rows[0].n).toBe(0);
    await database.close();
    await expect(new pg.Client(database.url).connect()).rejects.toThrow('does not exist');
  });
});

describe('testDatabase with a template', () => {
  const variable = 'WARREN_TEST_TEMPLATES';
  let before: string | undefined;
  beforeEach(() => {
    before = process.env[variable];
  });
  afterEach(() => {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  });

  /** Gets two databases at once, changes the first one, and returns what the second one holds. */
  async function holdsAfterChange(): Promise<{ filled: number; rows: unknown[] }> {
    let filled = 0;
    const template = {
      name: `of_a_test_${randomUUID().slice(0, 8)}`,
      async fill(url: string) {
        filled += 1;
        await onDatabase(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      },
    };
    const [one, two] = await Promise.all([testDatabase(template), testDatabase(template)]);
    await onDatabase(one.url, 'UPDATE kept SET answer = 0');
    const rows = await onDatabase(two.url, 'SELECT answer FROM kept');
    await Promise.all([one.close(), two.close()]);
    return { filled, rows };
  }

  async function onDatabase(url: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  it('fills it once in a run, and gives each caller a copy of its own', async () => {
    const { env, drop } = templatesOfRun();
    Object.assign(process.env, env);
    expect(await holdsAfterChange()).toEqual({ filled: 1, rows: [{ answer: 42 }] });
    const server = await serverFor('database');
    const templates = `SELECT datname FROM pg_database WHERE starts_with(datname, '${env[variable]}')`;
    expect(await onDatabase(server.href, templates)).toHaveLength(1);
    await drop(server);
    expect(await onDatabase(server.href, templates)).toEqual([]);
  });

  it('fills each database itself outside of a run', async () => {
    delete process.env[variable];
    expect(await holdsAfterChange()).toEqual({ filled: 2, rows: [{ answer: 42 }] });
  });
});

describe('eventually', () => {
  it('returns the result of the first check that does not throw', async () => {
    let calls = 0;
    const answer = await eventually(() => {
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return calls;
    });
    expect(answer).toBe(3);
  });

  it('throws the last error after the timeout, also if a check hangs', async () => {
    const never = () => {
      throw new Error('still wrong');
    };
    await expect(eventually(never, { within: 50 })).rejects.toThrow('still wrong');
    await expect(eventually(() => new Promise(() => undefined), { within: 50 })).rejects.toThrow('no answer');
  });

  it('waits for one more check if the machine stalled beyond the timeout', async () => {
    let now = 0;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now);
    let calls = 0;
    const answer = eventually(async () => {
      calls += 1;
      if (calls > 1) return pause(50, calls);
      setTimeout(() => {
        now = 60_000;
      });
      throw new Error('not yet');
    });
    await answer.finally(() => clock.mockRestore());
    expect(calls).toBe(2);
  });
});

describe('quietPorts', () => {
  const worker = process.env.JEST_WORKER_ID;
  afterEach(() => {
    process.env.JEST_WORKER_ID = worker;
  });

  it('gives test files that run in parallel ports from different ranges', async () => {
    const ranges = [];
    for (const id of ['1', '2']) {
      process.env.JEST_WORKER_ID = id;
      const ports = await quietPorts(100);
      ranges.push([Math.min(...ports), Math.max(...ports)]);
    }
    const [[, end = 0] = [], [start = 0] = []] = ranges;
    expect(end).toBeLessThan(start);
  });

  it('finds different ports, also counting the second port of each pair', async () => {
    const ports = await quietPorts(200, { alsoAbove: 1_000 });
    const all = ports.flatMap((port) => [port, port + 1_000]);
    expect(new Set(all).size).toBe(400);
    expect(Math.max(...all)).toBeLessThan(32_000);
  });
});

describe('faultProxy', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  /** The connections of the newest echo server. */
  let connected: Set<Socket>;

  async function echo(): Promise<FaultProxy> {
    const sockets = new Set<Socket>();
    connected = sockets;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => server.close() });
    const address = server.address();
    if (!address || typeof address === 'string') throw new Error('no port');
    const proxy = await faultProxy({ host: '127.0.0.1', port: address.port });
    open.push(proxy);
    return proxy;
  }

  async function client(proxy: FaultProxy): Promise<Client> {
    const { connect } = await import('node:net');
    const socket = connect(proxy.port, '127.0.0.1');
    const heard: Client = { socket, text: '', closed: false };
    socket.on('error', () => undefined);
    socket.on('close', () => {
      heard.closed = true;
    });
    socket.on('data', (chunk) => {
      heard.text += String(chunk);
    });
    open.push({ close: () => socket.destroy() });
    return heard;
  }

  interface Client {
    socket: Socket;
    text: string;
    closed: boolean;
  }

  const hears = (one: Client, text: string) => eventually(() => expect(one.text).toBe(text));
  const isClosed = (one: Client) => eventually(() => expect(one.closed).toBe(true));

  it('passes bytes, resets connections on cut, and accepts new ones after it', async () => {
    const proxy = await echo();
    const first = await client(proxy);
    first.socket.write('hello');
    await hears(first, 'hello');
    proxy.cut();
    await isClosed(first);
    const second = await client(proxy);
    second.socket.write('again');
    await hears(second, 'again');
  });

  it('refuses connections until it is resumed', async () => {
    const proxy = await echo();
    proxy.refuse();
    await isClosed(await client(proxy));
    proxy.resume();
    const back = await client(proxy);
    back.socket.write('back');
    await hears(back, 'back');
  });

  it('holds everything back while stalled, and loses and reorders nothing', async () => {
    const proxy = await echo();
    const stalled = await client(proxy);
    proxy.stall();
    stalled.socket.write('a');
    stalled.socket.write('b');
    await expect(eventually(() => expect(stalled.text).toBe('ab'), { within: 100 })).rejects.toThrow();
    expect(stalled.closed).toBe(false);
    proxy.resume();
    await hears(stalled, 'ab');
  });

  it('passes requests while it holds answers, and loses no answer', async () => {
    const proxy = await echo();
    const asking = await client(proxy);
    asking.socket.write('a');
    await hears(asking, 'a');
    const [server] = connected;
    proxy.holdAnswers();
    asking.socket.write('b');
    await eventually(() => expect(server?.bytesRead).toBe(2));
    await expect(eventually(() => expect(asking.text).toBe('ab'), { within: 100 })).rejects.toThrow();
    proxy.resume();
    await hears(asking, 'ab');
  });

  it.each(['destroy', 'resetAndDestroy'] as const)(
    'hides from the server that a client disconnects with %s while stalled',
    async (leave) => {
      const proxy = await echo();
      const leaver = await client(proxy);
      leaver.socket.write('a');
      await hears(leaver, 'a');
      proxy.stall();
      leaver.socket[leave]();
      await isClosed(leaver);
      await expect(eventually(() => expect(connected.size).toBe(0), { within: 200 })).rejects.toThrow();
      proxy.resume();
      await eventually(() => expect(connected.size).toBe(0));
    },
  );

  it('calls the target function for each new connection', async () => {
    const [one, two] = [await echo(), await echo()];
    const targets = [one.port, two.port];
    const proxy = await faultProxy(() => ({ host: '127.0.0.1', port: targets.shift() ?? 0 }));
    open.push(proxy);
    for (const target of [one, two]) {
      const asked = await client(proxy);
      asked.socket.write('x');
      await hears(asked, 'x');
      target.cut();
      await isClosed(asked);
    }
  });

  it('delays each chunk by the same time instead of adding the delays up', async () => {
    const proxy = await echo();
    const slow = await client(proxy);
    slow.socket.setNoDelay(true);
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    proxy.delay(500);
    const start = Date.now();
    for (const letter of letters) {
      slow.socket.write(letter);
      await pause(2); // So that each letter is its own chunk.
    }
    await eventually(() => expect(slow.text).toBe(letters), { within: 25_000 });
    const took = Date.now() - start;
    expect(took).toBeGreaterThanOrEqual(995);
    // Added up, the delays would take 13 s.
    expect(took).toBeLessThan(10_000);
  });
});
