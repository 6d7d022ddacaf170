import { describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import { connect, node } from './support/cleanup.js';
import { refusal } from './support/client.js';
import { token, verifyToken } from './support/node.js';

describe('a refused handshake', () => {
  it.each([
    ['no token', {}, 'unauthenticated'],
    ['an empty token', { token: '' }, 'unauthenticated'],
    ['a token of another type', { token: { $gt: '' } }, 'unauthenticated'],
    ['a huge token', { token: 'x'.repeat(20_000) }, 'unauthenticated'],
    ['a forged token', { token: 'forged' }, 'unauthenticated'],
    ['an expired token', { token: token('ann', 's1', Date.now() - 1) }, 'token-expired'],
  ])('says why: %s', async (_what, auth, code) => {
    const { url, realtime } = await node();
    expect(await refusal(url, auth)).toEqual({ code, temporary: false });
    expect(realtime.stats()).toMatchObject({ handshakesRefused: { [code]: 1 }, sockets: 0, users: 0 });
  });

  it('carries the code that the verifier gives', async () => {
    const { url } = await node({ verifyToken: () => Promise.reject(new AppError('session-revoked')) });
    expect(await refusal(url, { token: 'any' })).toEqual({ code: 'session-revoked', temporary: false });
  });

  it('hides what went wrong inside', async () => {
    const { url } = await node({ verifyToken: () => Promise.reject(new Error('password of the database')) });
    expect(await refusal(url, { token: 'any' })).toEqual({ code: 'internal', temporary: true });
  });

  it.each(['/', '/other', '/things/deeper'])('keeps clients out of the namespace %s', async (namespace) => {
    const { port, realtime } = await node();
    const url = `http://127.0.0.1:${port}${namespace}`;
    expect(await refusal(url, { token: token('ann') })).toEqual({ code: 'not-found', temporary: false });
    expect(realtime.socketCount).toBe(0);
  });

  it('limits handshakes per address', async () => {
    const { url } = await node({ limits: { handshakesPerMinute: 3 } });
    for (let i = 0; i < 3; i++) await connect(url).got('session.ready');
    expect(await refusal(url, { token: token('ann') })).toEqual({ code: 'rate-limited', temporary: true });
  });

  it('counts addresses as the proxy in front says', async () => {
    const { url } = await node({
      limits: { handshakesPerMinute: 1 },
      clientAddress: (request) => String(request.headers['x-forwarded-for']),
    });
    const from = (address: string) => ({ extraHeaders: { 'x-forwarded-for': address } });
    await connect(url, {}, from('1.1.1.1')).got('session.ready');
    await connect(url, {}, from('2.2.2.2')).got('session.ready');
    const second = await refusal(url, { token: token('ann') }, from('1.1.1.1'));
    expect(second.code).toBe('rate-limited');
  });
});

describe('too many sockets of one user', () => {
  it('ends the newest with a code and lets others in', async () => {
    const { url, realtime } = await node({ limits: { socketsPerUser: 2 } });
    const first = connect(url);
    const second = connect(url);
    await Promise.all([first.got('session.ready'), second.got('session.ready')]);
    const third = connect(url);
    expect(await third.got('session.ended')).toEqual({ code: 'too-many-sockets', temporary: true });
    expect(third.events).toEqual(['session.ended']);
    await connect(url, { token: token('bob') }).got('session.ready');
    expect(third.disconnects).toEqual(['io server disconnect']);
    expect(realtime.socketCount).toBe(3);
  });
});

describe('a handshake is let in', () => {
  it('asks for the token anew on each reconnect, as a plain client does', async () => {
    const seen: string[] = [];
    const { url } = await node({
      verifyToken: (given) => {
        seen.push(given);
        return verifyToken(given);
      },
    });
    let session = 0;
    const client = connect(url, () => ({ token: token('ann', `s${++session}`) }));
    await client.got('session.ready');
    client.socket.io.engine.close();
    expect(await client.got('session.ready', 2)).toMatchObject({ sessionId: 's2' });
    expect(seen).toHaveLength(2);
  });

  it('works over long-polling where that is switched on, and only there', async () => {
    const polling = { transports: ['polling'], upgrade: false };
    const on = await node({ polling: true });
    const client = connect(on.url, {}, polling);
    await client.got('session.ready');
    on.commit('ann');
    await client.gotExactly(1, 1);
  });

  it.each([
    ['only', '/things', { transports: ['polling'] }],
    ['first, as by default', '/things', { transports: ['polling', 'websocket'] }],
    ['first, without a namespace', '/', { transports: ['polling', 'websocket'] }],
  ])(
    'tells a client that polls %s, where that is off, to use WebSockets',
    async (_what, namespace, options) => {
      const { port } = await node();
      const client = connect(`http://127.0.0.1:${port}${namespace}`, {}, options);
      const error = await new Promise<Error>((resolve) => client.socket.once('connect_error', resolve));
      expect(error).toMatchObject({
        message: "This server takes WebSockets only: give the client the option transports: ['websocket']",
        data: { code: 'invalid-request', temporary: false },
      });
      expect(client.socket.active).toBe(false);
    },
  );
});
