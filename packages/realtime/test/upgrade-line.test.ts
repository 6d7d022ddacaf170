import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@warren/testing';
import { opensAtOnce } from '../src/limits/defaults.js';
import { UpgradeLine } from '../src/server/upgrade-line.js';
import { onEnd } from './support/cleanup.js';

// Connections are made one by one, which a busy machine takes its time for.
jest.setTimeout(120_000);

const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

/** A server whose upgrades all wait until they are handed to the line, in the order of their arrival. */
async function gathered(addresses: readonly string[]) {
  const server = createServer();
  const opened: { address: string; turn: number }[] = [];
  let turn = 0;
  const door = new EventEmitter();
  const line = new UpgradeLine({
    server: door,
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
    await eventually(() => expect(waiting).toHaveLength(clients.length));
  }
  const countTurns = (): void => {
    turn += 1;
    if (opened.length < addresses.length) setImmediate(countTurns);
  };
  onEnd(() => clients.map((client) => client.destroy()));
  // They are half open once their clients have gone, and the server would wait for them.
  onEnd(() => waiting.map(([, socket]) => socket.destroy()));
  return { line, waiting, opened, clients, door, countTurns };
}

describe('connections that come at once', () => {
  it('are opened a few in each turn of the event loop, so that other work goes on between', async () => {
    const { line, waiting, opened, countTurns } = await gathered(Array(5 * opensAtOnce).fill('one'));
    for (const upgrade of waiting) line.take(...upgrade);
    countTurns();
    expect(opened).toHaveLength(0);
    await eventually(() => expect(opened).toHaveLength(5 * opensAtOnce));
    const turns = opened.map(({ turn }) => turn);
    expect(new Set(turns).size).toBe(5);
    for (const turn of turns) expect(turns.filter((each) => each === turn)).toHaveLength(opensAtOnce);
  });

  it('are opened in turns by address: one address with many holds up nobody', async () => {
    const { line, waiting, opened } = await gathered([...Array(12).fill('many'), 'few', 'few']);
    for (const upgrade of waiting) line.take(...upgrade);
    await eventually(() => expect(opened).toHaveLength(14));
    expect(opened.slice(0, 4).map(({ address }) => address)).toEqual(['many', 'few', 'many', 'few']);
  });

  it('are not opened any more once their client has given up', async () => {
    const { line, waiting, opened, clients } = await gathered(['one', 'gone', 'ended', 'two']);
    clients[1]?.resetAndDestroy();
    clients[2]?.end();
    const [, gone, ended] = waiting.map(([, socket]) => socket);
    for (const upgrade of waiting) upgrade[1].on('error', () => undefined);
    await eventually(() => expect(gone?.destroyed && ended?.readableEnded).toBe(true));
    for (const upgrade of waiting) line.take(...upgrade);
    await eventually(() => expect(opened.map(({ address }) => address)).toEqual(['one', 'two']));
    expect(line.length).toBe(0);
    await eventually(() => expect(ended?.destroyed).toBe(true));
  });

  it('wait while more TCP connections are to be accepted, since a health check may be among these', async () => {
    const { line, waiting, opened, door } = await gathered(['one', 'two']);
    for (const upgrade of waiting) line.take(...upgrade);
    let taken = 0;
    await new Promise<void>((resolve) => {
      const takeOne = (): void => {
        if (opened.length === 0) {
          taken += 1;
          door.emit('connection');
          setImmediate(takeOne);
        } else {
          resolve();
        }
      };
      takeOne();
    });
    expect(taken).toBeGreaterThan(10);
    expect(opened).toHaveLength(2);
  });
});
