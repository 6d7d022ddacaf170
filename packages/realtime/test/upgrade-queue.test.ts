import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@warren/testing';
import { opensPerTurn } from '../src/limits/limits.js';
import { UpgradeQueue } from '../src/server/upgrade-queue.js';
import { closeAfterEach, onEnd } from './support/fixtures.js';

closeAfterEach();

// The connections are opened one after another, which takes long on a busy machine.
jest.setTimeout(120_000);

const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

/** Makes one upgrade from each of these addresses. A test adds them to the queue. */
async function gathered(addresses: readonly string[]) {
  const server = createServer();
  const opened: { address: string; turn: number }[] = [];
  let turn = 0;
  const httpServer = new EventEmitter();
  const queue = new UpgradeQueue({
    server: httpServer,
    addressOf: ({ headers }) => String(headers['x-address']),
    open: ({ headers }, socket) => {
      opened.push({ address: String(headers['x-address']), turn });
      socket.destroy();
    },
  });
  const waiting: [IncomingMessage, Socket, Buffer][] = [];
  server.on('upgrade', (...upgrade: [IncomingMessage, Socket, Buffer]) => waiting.push(upgrade));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  for (const address of addresses) {
    const client = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    clients.push(client);
    client.write(`${request}X-Address: ${address}\r\n\r\n`);
    await eventually(() => expect(waiting.length).toBe(clients.length));
  }
  const countTurns = (): void => {
    turn += 1;
    if (opened.length < addresses.length) setImmediate(countTurns);
  };
  onEnd(() => clients.map((client) => client.destroy()));
  // They stay half open after their clients have left, and the server would wait for them.
  onEnd(() => waiting.map(([, socket]) => socket.destroy()));
  return { queue, waiting, opened, clients, httpServer, countTurns };
}

describe('the upgrade queue', () => {
  it('opens only a few connections in each turn of the event loop', async () => {
    const { queue, waiting, opened, countTurns } = await gathered(Array(5 * opensPerTurn).fill('one'));
    for (const upgrade of waiting) queue.add(...upgrade);
    countTurns();
    expect(opened).toHaveLength(0);
    await eventually(() => expect(opened).toHaveLength(5 * opensPerTurn));
    const turns = opened.map(({ turn }) => turn);
    expect(new Set(turns).size).toBe(5);
    for (const turn of turns) expect(turns.filter((each) => each === turn)).toHaveLength(opensPerTurn);
  });

  it('lets addresses take turns, so that one with many connections does not hold up others', async () => {
    const { queue, waiting, opened } = await gathered([...Array(12).fill('many'), 'few', 'few']);
    for (const upgrade of waiting) queue.add(...upgrade);
    await eventually(() => expect(opened).toHaveLength(14));
    expect(opened.slice(0, 4).map(({ address }) => address)).toEqual(['many', 'few', 'many', 'few']);
  });

  it('does not open a connection whose client has given up', async () => {
    const { queue, waiting, opened, clients } = await gathered(['one', 'gone', 'ended', 'two']);
    clients[1]?.resetAndDestroy();
    clients[2]?.end();
    const [, gone, ended] = waiting.map(([, socket]) => socket);
    for (const upgrade of waiting) upgrade[1].on('error', () => undefined);
    await eventually(() => expect(gone?.destroyed && ended?.readableEnded).toBe(true));
    for (const upgrade of waiting) queue.add(...upgrade);
    await eventually(() => expect(opened.map(({ address }) => address)).toEqual(['one', 'two']));
    expect(queue.length).toBe(0);
    await eventually(() => expect(ended?.destroyed).toBe(true));
  });

  it('waits while more TCP connections arrive, since a health check may be among them', async () => {
    const { queue, waiting, opened, httpServer } = await gathered(['one', 'two']);
    for (const upgrade of waiting) queue.add(...upgrade);
    let accepted = 0;
    await new Promise<void>((resolve) => {
      const acceptOne = (): void => {
        if (opened.length === 0) {
          accepted += 1;
          httpServer.emit('connection');
          setImmediate(acceptOne);
        } else {
          resolve();
        }
      };
      acceptOne();
    });
    expect(accepted).toBeGreaterThan(10);
    expect(opened).toHaveLength(2);
  });
});
