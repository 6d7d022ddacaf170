import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { closeAfterEach, connect, node, onEnd } from './support/fixtures.js';
import { rawSocket } from './support/raw-socket.js';

closeAfterEach();

/** Answers each request with a description of it; `/slow` after a delay. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url === '/slow') await pause(50);
  const { method, url, headers } = request;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, body, upgrade: headers.upgrade ?? null, x: headers['x-own'] }));
}

async function httpNode() {
  return node({ server: createServer((request, response) => void echo(request, response)) });
}

/** Writes these bytes and returns the JSON bodies of the answers. */
async function exchange(port: number, bytes: string, answers: number): Promise<Record<string, unknown>[]> {
  const socket = await open(port);
  return converse(socket, bytes, answers);
}

async function open(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  onEnd(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

async function converse(socket: Socket, bytes: string, answers: number): Promise<Record<string, unknown>[]> {
  let received = '';
  const onData = (chunk: Buffer): void => {
    received += chunk.toString();
  };
  socket.on('data', onData);
  socket.write(bytes);
  const found = await eventually(() => {
    const bodies = received.match(/\{"method".*?\}/g) ?? [];
    expect(bodies).toHaveLength(answers);
    return bodies;
  });
  socket.off('data', onData);
  expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(answers);
  return found.map((body) => JSON.parse(body));
}

const h2c =
  'Host: localhost\r\nX-Own: 1\r\nConnection: Upgrade, HTTP2-Settings\r\n' +
  'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n';

describe('an upgrade that is not for Socket.IO', () => {
  it.each(['/health/live', '/', '/socket.io/?EIO=4&transport=nonsense', '/socket.iox/'])(
    'is ignored if it asks for h2c: GET %s is answered as HTTP/1.1',
    async (path) => {
      const { port } = await httpNode();
      const socket = await open(port);
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
      socket.write(`GET ${path} HTTP/1.1\r\n${h2c}\r\n`);
      await eventually(() => expect(received).toMatch(/^HTTP\/1\.1 (200|400) /));
    },
  );

  it('is answered like the same request without Upgrade if it asks for a WebSocket at another path', async () => {
    const { port } = await httpNode();
    const asked = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n';
    const [answer] = await exchange(port, `GET /other/socket HTTP/1.1\r\n${asked}`, 1);
    expect(answer).toMatchObject({ method: 'GET', url: '/other/socket', upgrade: null });
  });

  it('keeps its body, with a length or in chunks, and its other headers', async () => {
    const { port } = await httpNode();
    const sized = `POST /a HTTP/1.1\r\n${h2c}Content-Length: 5\r\n\r\nhello`;
    expect(await exchange(port, sized, 1)).toEqual([
      { method: 'POST', url: '/a', body: 'hello', upgrade: null, x: '1' },
    ]);
    const chunked = `POST /b HTTP/1.1\r\n${h2c}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`;
    expect(await exchange(port, chunked, 1)).toMatchObject([{ url: '/b', body: 'hello' }]);
  });

  it('may send its body later', async () => {
    const { port } = await httpNode();
    const socket = await open(port);
    socket.write(`POST /late HTTP/1.1\r\n${h2c}Content-Length: 5\r\n\r\nhe`);
    await pause(20);
    expect(await converse(socket, 'llo', 1)).toMatchObject([{ url: '/late', body: 'hello' }]);
  });

  it('keeps the connection open for any number of requests, and leaves no listener on it', async () => {
    const at = await httpNode();
    const served = new Promise<Socket>((resolve) => at.server.once('connection', resolve));
    const socket = await open(at.port);
    const line = await served;
    const listeners = () => line.eventNames().reduce((sum, name) => sum + line.listenerCount(name), 0);
    await converse(socket, `GET /0 HTTP/1.1\r\n${h2c}\r\n`, 1);
    const before = listeners();
    for (let i = 1; i < 20; i++) {
      expect(await converse(socket, `GET /${i} HTTP/1.1\r\n${h2c}\r\n`, 1)).toMatchObject([{ url: `/${i}` }]);
      expect(
        await converse(socket, `POST /p${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok`, 1),
      ).toMatchObject([{ url: `/p${i}`, body: 'ok' }]);
    }
    expect(listeners()).toBe(before);
  });

  it('is answered after the requests before it and before those that follow on its connection', async () => {
    const { port } = await httpNode();
    const plain = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const all = `${plain('/slow')}${plain('/2')}GET /3 HTTP/1.1\r\n${h2c}\r\n${plain('/4')}`;
    const urls = (await exchange(port, all, 4)).map(({ url }) => url);
    expect(urls).toEqual(['/slow', '/2', '/3', '/4']);
  });

  it('may be cut off at any moment without harm to the node', async () => {
    const { port, url } = await httpNode();
    for (let i = 0; i < 40; i++) {
      const socket = await open(port);
      socket.write(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\n${h2c}\r\n`);
      await pause(2 * i);
      socket.resetAndDestroy();
    }
    await connect(url).got('session.ready');
  });

  it('does not prevent upgrades for Socket.IO', async () => {
    const { port, url } = await httpNode();
    await connect(url).got('session.ready');
    const raw = await rawSocket(port);
    onEnd(() => raw.destroy());
    expect(raw.text()).toMatch(/^HTTP\/1\.1 101 /);
  });
});
