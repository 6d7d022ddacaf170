import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { connect, node, onEnd } from './support/cleanup.js';
import { service, type TestNode, token } from './support/node.js';
import { encodeFrame, type RawSocket, rawSocket } from './support/raw-socket.js';

async function open(at: TestNode, headers = ''): Promise<RawSocket> {
  const raw = await rawSocket(at.port, undefined, headers);
  onEnd(() => raw.destroy());
  return raw;
}

const unavailable = /^HTTP\/1\.1 503 /;

describe('connections that join nothing', () => {
  it('are bounded for one address, and count no more once they have joined or are gone', async () => {
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

  it('are bounded in total, whatever the addresses', async () => {
    const at = await node({
      limits: { unjoinedPerAddress: 1 },
      clientAddress: ({ headers }) => String(headers['x-forwarded-for']),
    });
    const from = (i: number) => open(at, `X-Forwarded-For: 10.0.0.${i}\r\n`);
    for (let i = 0; i < 5; i++) expect((await from(i)).text()).toMatch(/^HTTP\/1\.1 101 /);
    expect((await from(5)).text()).toMatch(unavailable);
  });

  it('keep nobody out for long: a plain client comes in by itself once there is room', async () => {
    const at = await node({ limits: { unjoinedPerAddress: 1 } });
    const idle = await open(at);
    const client = connect(at.url);
    await eventually(() => expect(at.realtime.stats().upgradesRefused).toBeGreaterThan(1));
    idle.destroy();
    await client.got('session.ready');
  });

  it('are gone a little after 15 s, also when they ignore that they are being closed', async () => {
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

describe('while no token can be verified yet', () => {
  it('connections are refused with 503, and a plain client comes in by itself afterwards', async () => {
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
