import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { refusal } from './support/client.js';
import { closeAfterEach, connect, node, onEnd } from './support/fixtures.js';
import { memoryInUse } from './support/memory.js';
import { service, type TestNode, token } from './support/node.js';
import { encodeFrame, type RawSocket, rawSocket } from './support/raw-socket.js';

closeAfterEach();

const mebibyte = 1024 * 1024;

async function attacker(at: TestNode): Promise<RawSocket> {
  const raw = await rawSocket(at.port);
  onEnd(() => raw.destroy());
  return raw;
}

async function join(raw: RawSocket, userId: string): Promise<void> {
  raw.send(`40/${service},${JSON.stringify({ token: token(userId) })}`);
  await eventually(() => expect(raw.text()).toContain('session.ready'));
}

const ping = encodeFrame(9, Buffer.alloc(125, 'p'));

/** Sends pings as fast as the node takes them, and never reads. Returns the bytes that the node took. */
async function sendPings(raw: RawSocket, most: number): Promise<number> {
  const chunk = Buffer.concat(Array.from({ length: 500 }, () => ping));
  raw.pause();
  let sent = 0;
  while (sent < most && raw.open) {
    await raw.writeOut(chunk);
    sent += chunk.length;
  }
  return sent;
}

describe('a client that sends WebSocket pings', () => {
  it('is answered with pongs', async () => {
    const raw = await attacker(await node());
    raw.frame(9, Buffer.from('are you there?'));
    await eventually(() => expect(raw.text()).toContain('are you there?'));
  });

  it.each([
    ['without a token', false, 150],
    ['with a token', true, 25],
  ])('%s is cut off if it floods them, and memory stays flat', async (_who, joins, mebibytes) => {
    const at = await node();
    const raw = await attacker(at);
    if (joins) await join(raw, 'eve');
    const before = memoryInUse();
    const sent = await sendPings(raw, mebibytes * mebibyte);
    expect(memoryInUse() - before).toBeLessThan(16 * mebibyte);
    expect(sent).toBeLessThan(mebibytes * mebibyte);
    await raw.closed;
    const after = { sockets: 0, unjoined: 0, connectionsCut: 1 };
    await eventually(() => expect(at.realtime.stats()).toMatchObject(after));
  });

  it('is also cut off if it floods pongs', async () => {
    const raw = await attacker(await node());
    for (let i = 0; i < 1_000; i++) raw.frame(10, Buffer.from('pong'));
    await raw.closed;
  });
});

const packets = 20_000;

/** A limit so low that even a busy machine receives more packets than allowed. */
const slow = { commandsPerSecond: 5 };

/** Sends the packet `packets` times with one write. */
function flood(raw: RawSocket, packet: string): void {
  const frame = encodeFrame(1, Buffer.from(packet));
  raw.write(Buffer.concat(Array.from({ length: packets }, () => frame)));
}

describe('a flood of packets', () => {
  it.each([
    ['a malformed namespace', '40/n%,'],
    ['an unknown namespace', '40/other,{}'],
    ['the namespace, without a token', `40/${service},{}`],
    ['the namespace, with a bad token', `40/${service},{"token":"x"}`],
  ])('ends with the first refusal if it asks for %s', async (_what, packet) => {
    const at = await node();
    const raw = await attacker(at);
    flood(raw, packet);
    await raw.closed;
    expect(raw.messages.filter((message) => message.startsWith('44')).length).toBeLessThanOrEqual(20);
    expect(at.realtime.stats().unjoined).toBe(0);
  });

  it('cuts off a connection that has joined no namespace', async () => {
    const at = await node();
    const raw = await attacker(at);
    flood(raw, '3');
    await raw.closed;
    expect(at.realtime.stats().connectionsCut).toBe(1);
  });

  it.each([
    ['unknown commands', `42/${service},1["nope"]`],
    ['commands', `42/${service},1["things.echo"]`],
    ['other namespaces', '40/other,{}'],
    ['heartbeats', '3'],
  ])('ends a joined socket as rate-limited if it consists of %s', async (_what, packet) => {
    const at = await node({ limits: slow });
    const raw = await attacker(at);
    await join(raw, 'eve');
    flood(raw, packet);
    await eventually(() => expect(raw.messages).toContain(ended));
    await raw.closed;
    expect(raw.messages.filter((message) => /^4[34]/.test(message)).length).toBeLessThan(1_000);
    expect(at.realtime.socketCount).toBe(0);
  });

  it('does not hold up the commands and pushes of other users', async () => {
    const at = await node({ limits: slow });
    const witness = connect(at.url);
    await witness.got('session.ready');
    const raw = await attacker(at);
    await join(raw, 'eve');
    flood(raw, `42/${service},1["nope"]`);
    expect((await witness.command('things.echo', {})).ok).toBe(true);
    at.commit('ann');
    await witness.gotExactly(1, 1);
    await raw.closed;
    expect(witness.disconnects).toEqual([]);
  });

  it('ends the user again at once if they reconnect and go on', async () => {
    const at = await node({ limits: { commandsPerSecond: 1 } });
    const client = connect(at.url, { token: token('eve') });
    await client.got('session.ready');
    for (let i = 0; i < 50; i++) client.socket.emit('things.echo', {});
    expect(await client.got('session.ended')).toEqual({ code: 'rate-limited', temporary: true });
    const again = connect(at.url, { token: token('eve') });
    await again.got('session.ready');
    for (let i = 0; i < 5; i++) again.socket.emit('things.echo', {});
    await again.got('session.ended');
  });

  it('cuts off a connection if it comes in one long-polling request', async () => {
    const at = await node({ polling: true });
    const url = `http://127.0.0.1:${at.port}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
    const body = Array.from({ length: packets }, () => '40/n%,').join('\x1e');
    await fetch(`${url}&sid=${sid}`, { method: 'POST', body }).catch(() => undefined);
    expect(at.realtime.stats()).toMatchObject({ connectionsCut: 1, unjoined: 0 });
  });

  it('cuts off a connection that sends fragments of one message without end', async () => {
    const raw = await attacker(await node());
    const piece = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);
    raw.write(Buffer.from([0x01, 0x80, 0, 0, 0, 0]));
    raw.write(Buffer.concat(Array.from({ length: 2_000 }, () => piece)));
    await raw.closed;
  });
});

describe('a refused CONNECT', () => {
  it('closes a connection that has joined no namespace, after telling the reason', async () => {
    const raw = await attacker(await node());
    raw.send(`40/${service},{}`);
    await raw.closed;
    expect(raw.messages.at(-1)).toContain('"code":"unauthenticated"');
  });

  it('does not close a connection that has joined or is joining', async () => {
    const at = await node();
    const raw = await attacker(at);
    raw.send(`40/${service},${JSON.stringify({ token: token('ann') })}`);
    raw.send('40/other,{}');
    await eventually(() => expect(raw.text()).toContain('session.ready'));
    raw.send('40/another,{}');
    await eventually(() => expect(raw.messages.filter((text) => text.startsWith('44'))).toHaveLength(2));
    at.commit('ann');
    await eventually(() => expect(raw.text()).toContain('thing.happened'));
    expect(at.realtime.socketCount).toBe(1);
  });

  it('counts as a handshake, whatever its namespace', async () => {
    const { port, url } = await node({ limits: { handshakesPerMinute: 3 } });
    const other = `http://127.0.0.1:${port}/other`;
    for (let i = 0; i < 3; i++) expect(await refusal(other, {})).toMatchObject({ code: 'not-found' });
    expect(await refusal(other, {})).toEqual({ code: 'rate-limited', temporary: true });
    expect(await refusal(url, { token: token('ann') })).toEqual({ code: 'rate-limited', temporary: true });
  });
});

const ended = `42/${service},["session.ended",{"code":"rate-limited","temporary":true}]`;
