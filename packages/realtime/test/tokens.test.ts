import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { token } from './support/node.js';

closeAfterEach();

/** The life of a token that expires during the test, and how long to wait for that. Milliseconds. */
const [life, lifeEnds] = [5_000, 20_000];

/** A token that expires in `ms` milliseconds. */
const soon = (ms: number, userId = 'ann', sessionId = 's1') => token(userId, sessionId, Date.now() + ms);

describe('the expiry of a token', () => {
  it('is announced at once if it is near, and then ends the socket', async () => {
    const { url, realtime } = await node();
    const client = connect(url, () => ({ token: soon(life) }));
    const { inMs } = await client.got<{ inMs: number }>('session.expiring');
    expect(inMs).toBeGreaterThan(0);
    expect(inMs).toBeLessThanOrEqual(life);
    expect(await client.got('session.ended', 1, lifeEnds)).toEqual({
      code: 'token-expired',
      temporary: false,
    });
    await eventually(() => expect(client.disconnects).toEqual(['io server disconnect']));
    expect(client.events).toEqual(['session.ready', 'session.expiring', 'session.ended']);
    expect(realtime.socketCount).toBe(0);
  });

  it('is not announced for a token of many years, which is longer than a timer can wait', async () => {
    const { url, commit } = await node();
    const client = connect(url, { token: soon(100 * 365 * 86_400_000) });
    await client.got('session.ready');
    commit('ann');
    await client.gotExactly(1, 1);
    expect(client.events).toEqual(['session.ready', 'thing.happened']);
  });

  it('is postponed by session.refresh on the same socket', async () => {
    const { url, commit } = await node();
    const client = connect(url, () => ({ token: soon(life) }));
    await client.got('session.expiring');
    const renewed = await client.command('session.refresh', { token: soon(3_600_000) });
    expect(renewed).toMatchObject({ ok: true, data: { expiresInMs: expect.any(Number) } });
    const probe = connect(url, () => ({ token: soon(life, 'bob') }));
    await probe.got('session.ended', 1, lifeEnds);
    commit('ann');
    await client.gotExactly(1, 1);
    expect(client.disconnects).toEqual([]);
  });

  it('is announced once more after a refresh, and not in a loop', async () => {
    const { url } = await node();
    const client = connect(url, () => ({ token: soon(life) }));
    await client.got('session.expiring');
    await client.command('session.refresh', { token: soon(life) });
    const { inMs } = await client.got<{ inMs: number }>('session.expiring', 2, lifeEnds);
    expect(inMs).toBeLessThanOrEqual(life / 2 + 50);
    await client.got('session.ended', 1, lifeEnds);
    expect(client.named('session.expiring')).toHaveLength(2);
  });

  it.each([
    ['of another user', () => soon(60_000, 'bob'), 'forbidden'],
    ['of another session', () => soon(60_000, 'ann', 's2'), 'forbidden'],
    ['that has expired', () => soon(-1), 'token-expired'],
    ['that is forged', () => 'forged', 'unauthenticated'],
    ['that is not a string', () => 7, 'unauthenticated'],
  ])('is not postponed by a token %s', async (_what, renewed, code) => {
    const { url } = await node();
    const client = connect(url);
    expect(await client.command('session.refresh', { token: renewed() })).toMatchObject({
      ok: false,
      error: { code, temporary: false },
    });
    expect((await client.command('things.echo')).ok).toBe(true);
  });
});
