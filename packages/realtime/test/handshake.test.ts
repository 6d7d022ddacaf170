import { describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import { refusal } from './support/client.js';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { token, verifyToken } from './support/node.js';

closeAfterEach();

describe('a refused handshake', () => {
  it.each([
    ['no token', {}, 'unauthenticated'],
    ['an empty token', { token: '' }, 'unauthenticated'],
    ['a token that is not a string', { token: { $gt: '' } }, 'unauthenticated'],
    ['a huge token', { token: 'x'.repeat(20_000) }, 'unauthenticated'],
    ['a forged token', { token: 'forged' }, 'unauthenticated'],
    ['an expired token', { token: token('ann', 's1', Date.now() - 1) }, 'token-expired'],
  ])('tells the reason for %s', async (_what, auth, code) => {
    const { url, realtime } = await node();
    expect(await refusal(url, auth)).toEqual({ code, temporary: false });
    expect(realtime.stats()).toMatchObject({ handshakesRefused: { [code]: 1 }, sockets: 0, users: 0 });
  });

  it('has the code of the error that the verifier throws', async () => {
    const { url } = await node({ verifyToken: () => Promise.reject(new AppError('session-revoked')) });
    expect(await refusal(url, { token: 'any' })).toEqual({ code: 'session-revoked', temporary: false });
  });

  it('hides the details of an unknown error', async () => {
    const { url } = await node({ verifyToken: () => Promise.reject(new Error('password of the database')) });
    expect(await refusal(url, { token: 'any' })).toEqual({ code: 'internal', temporary: true });
  });

  it.each(['/', '/other', '/things/deeper'])(
    'is the answer to a CONNECT to the namespace %s',
    async (namespace) => {
      const { port, realtime } = await node();
      const url = `http://127.0.0.1:${port}${namespace}`;
      expect(await refusal(url, { token: token('ann') })).toEqual({ code: 'not-found', temporary: false });
      expect(realtime.socketCount).toBe(0);
    },
  );

  it('is the answer to an address that exceeds its rate of handshakes', async () => {
    const { url } = await node({ limits: { handshakesPerMinute: 3 } });
    for (let i = 0; i < 3; i++) await connect(url).got('session.ready');
    expect(await refusal(url, { token: token('ann') })).toEqual({ code: 'rate-limited', temporary: true });
  });

  it('counts for the address that the proxy reports', async () => {
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

describe('a user with too many sockets', () => {
  it('has the newest one ended with a code, and does not affect other users', async () => {
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

describe('a client', () => {
  it('can send a new token at each reconnect', async () => {
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

  it('can use long-polling if that is enabled', async () => {
    const polling = { transports: ['polling'], upgrade: false };
    const on = await node({ polling: true });
    const client = connect(on.url, {}, polling);
    await client.got('session.ready');
    on.commit('ann');
    await client.gotExactly(1, 1);
  });

  it.each([
    ['only', '/things', { transports: ['polling'] }],
    ['first, as is the default', '/things', { transports: ['polling', 'websocket'] }],
    ['first, without a namespace', '/', { transports: ['polling', 'websocket'] }],
  ])(
    'that polls %s is told to use WebSockets if long-polling is disabled',
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
