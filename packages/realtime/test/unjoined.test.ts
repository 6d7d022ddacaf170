import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { closeAfterEach, connect, node, onEnd } from './support/fixtures.js';
import { service, type TestNode, token } from './support/node.js';
import { encodeFrame, type RawSocket, rawSocket } from './support/raw-socket.js';

closeAfterEach();

async function open(at: TestNode, headers = ''): Promise<RawSocket> {
  const raw = await rawSocket(at.port, undefined, headers);
  onEnd(() => raw.destroy());
  return raw;
}

const unavailable = /^HTTP\/1\.1 503 /;

describe('connections that join no namespace', () => {
  it('are limited per address, and no longer count once they have joined or closed', async () => {
    const at = await node({ limits: { unjoinedPerAddress: 3 } });
    const [first, second] = [await open(at), await open(at), await open(at)];
    expect((await open(at)).text()).toMatch(unavailable);
    expect(at.realtime.stats()).toMatchObject({ unjoined: 3, upgradesRefused: 1 });

    first?.send(`40/${service},${JSON.stringify({ token: token('ann') })}`);
    await eventually(() => expect(at.realtime.stats()).toMatchObject({ unjoined: 2, sockets: 1 }));
    second?.destroy();
    await eventually(() => expect(at.realtime.stats()).toMatchObject({ unjoined: 1 }));
    for (let i = 0; i < 2; i++) expect((await open(at)).text()).toMatch(/^HTTP\/1\.1 101 /);
    expect((await open(at)).text()).toMatch(unavailable);
  });

  it('are limited in total, whatever their addresses', async () => {
    const at = await node({
      limits: { unjoinedPerAddress: 1 },
      clientAddress: ({ headers }) => String(headers['x-forwarded-for']),
    });
    const from = (i: number) => open(at, `X-Forwarded-For: 10.0.0.${i}\r\n`);
    for (let i = 0; i < 5; i++) expect((await from(i)).text()).toMatch(/^HTTP\/1\.1 101 /);
    expect((await from(5)).text()).toMatch(unavailable);
  });

  it('do not keep a Socket.IO client out: it connects by itself once there is room', async () => {
    const at = await node({ limits: { unjoinedPerAddress: 1 } });
    const idle = await open(at);
    const client = connect(at.url);
    await eventually(() => expect(at.realtime.stats().upgradesRefused).toBeGreaterThan(1));
    idle.destroy();
    await client.got('session.ready');
  });

  it('are closed after 15 s, even if they ignore the close frame', async () => {
    const at = await node();
    const start = Date.now();
    const raw = await open(at);
    const frame = encodeFrame(1, Buffer.from('3'));
    const talking = setInterval(() => raw.write(frame), 2_000);
    onEnd(() => clearInterval(talking));
    await raw.closed;
    expect(Date.now() - start).toBeGreaterThan(14_000);
    expect(Date.now() - start).toBeLessThan(28_000);
  }, 60_000);
});

describe('a node that can not verify tokens yet', () => {
  it('refuses connections with 503, and Socket.IO clients connect by themselves later', async () => {
    let ready = false;
    const at = await node({ isReady: () => ready });
    const client = connect(at.url);
    await eventually(() => expect(at.realtime.stats().upgradesRefused).toBeGreaterThan(1));
    expect((await open(at)).text()).toMatch(unavailable);
    ready = true;
    await client.got('session.ready');
    expect(at.realtime.stats().handshakesRefused).toEqual({});
  });
});
