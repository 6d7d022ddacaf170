import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionRevoked } from '@warren/contracts';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import type { Static } from 'typebox';
import { decideRefresh, refreshGraceMs } from '../src/domain/refresh-tokens.js';
import { mostSessions } from '../src/domain/sessions.js';
import type { SessionList } from '../src/http/schemas.js';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

type List = Static<typeof SessionList>;
const sessionOf = ({ accessToken }: SignedIn) => String(decodeJwt(accessToken).sid);

describe('sessions', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService();
  });
  afterAll(() => running.close());

  const refresh = ({ refreshToken }: Pick<SignedIn, 'refreshToken'>) =>
    running.call<SignedIn>('POST', '/sessions/refresh', { refreshToken });
  const list = async (token: string, query = '') =>
    (await running.call<List>('GET', `/sessions${query}`, undefined, token)).body;
  const end = (id: string, token: string) => running.call('DELETE', `/sessions/${id}`, undefined, token);
  const revocationsOf = (id: string) => running.heard('user.session-revoked', id).map(({ data }) => data);

  async function twoSessions() {
    const first = await running.register();
    return [first, await running.signIn(first.user.email)] as const;
  }

  it('are listed with their origin as bounded text, and the caller’s own is marked', async () => {
    const { user, accessToken } = await running.register();
    const headers = { 'user-agent': `Browser\t${'x'.repeat(1_000)}` };
    const credentials = { email: user.email, password };
    await running.call('POST', '/sessions', credentials, undefined, headers);
    const { items, nextCursor } = await list(accessToken);
    expect(items).toHaveLength(2);
    expect(nextCursor).toBeNull();
    const [newer, own] = items;
    expect(own).toMatchObject({ current: true, address: '127.0.0.1', userAgent: 'node' });
    expect(newer).toMatchObject({ current: false, userAgent: expect.stringMatching(/^Browserx{248}$/) });
    expect(own?.lastUsedAt).toBe(own?.createdAt);
  });

  it('are listed in pages, each session once', async () => {
    const first = await running.register();
    for (let more = 0; more < 4; more += 1) await running.signIn(first.user.email);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: List = await list(first.accessToken, `?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).toHaveLength(5);
  });

  it('show when they were last used', async () => {
    const first = await running.register();
    running.clock.advance(5_000);
    await refresh(first);
    const [own] = (await list(first.accessToken)).items;
    expect(Date.parse(own?.lastUsedAt ?? '') - Date.parse(own?.createdAt ?? '')).toBeGreaterThanOrEqual(
      5_000,
    );
  });

  it('can be ended one by one, and other services are told when the access tokens expire', async () => {
    const [first, second] = await twoSessions();
    const id = sessionOf(second);
    expect(await end(id, first.accessToken)).toMatchObject({ status: 204, body: undefined });
    expect(await refresh(second)).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
    expect((await refresh(first)).status).toBe(200);
    await eventually(() => {
      expect(revocationsOf(id)).toEqual([
        {
          sessionId: id,
          userId: first.user.id,
          reason: 'revoked',
          revokedAt: expect.any(String),
          tokensEndAt: expect.any(String),
        },
      ]);
    });
    const [{ revokedAt, tokensEndAt }] = revocationsOf(id) as [SessionRevoked];
    expect(Date.parse(tokensEndAt) - Date.parse(revokedAt)).toBe((900 + 60) * 1_000);
    expect(await end(id, first.accessToken)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect((await list(first.accessToken)).items.map((each) => each.id)).toEqual([sessionOf(first)]);
    const soon = "SELECT expires_at < now() + interval '25 hours' AS soon FROM sessions WHERE id = $1";
    expect(await query(running.database.url, soon, [id])).toEqual([{ soon: true }]);
  });

  it('of other users are not found', async () => {
    const [first, stranger] = [await running.register(), await running.register()];
    expect(await end(sessionOf(first), stranger.accessToken)).toMatchObject({ status: 404 });
    expect(await end('018f0000-0000-7000-8000-000000000000', stranger.accessToken)).toMatchObject({
      status: 404,
    });
    expect(await end('rubbish', stranger.accessToken)).toMatchObject({ status: 400 });
    expect((await refresh(first)).status).toBe(200);
  });

  it('that have ended cannot end others', async () => {
    const [first, second] = await twoSessions();
    await running.call('DELETE', '/sessions/current', undefined, second.accessToken);
    expect(await end(sessionOf(first), second.accessToken)).toMatchObject({
      status: 401,
      body: { code: 'session-revoked' },
    });
    await eventually(() =>
      expect(revocationsOf(sessionOf(second))).toMatchObject([{ reason: 'signed-out' }]),
    );
    expect((await refresh(first)).status).toBe(200);
  });

  describe('whose refresh token is presented again', () => {
    it('repeat the same successor for 30 s, even after it was used', async () => {
      const first = await running.register();
      const second = await refresh(first);
      const third = await refresh(second.body);
      const again = await refresh(first);
      expect(again.body.refreshToken).toBe(second.body.refreshToken);
      expect((await refresh(again.body)).body.refreshToken).toBe(third.body.refreshToken);
      expect((await refresh(third.body)).status).toBe(200);
    });

    it('end, inform other services and send a security alert, once', async () => {
      const first = await running.register();
      const second = await refresh(first);
      running.clock.advance(refreshGraceMs + 1_000);
      for (const token of [first, second.body, first]) {
        expect(await refresh(token)).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
      }
      await eventually(() => {
        expect(revocationsOf(sessionOf(first))).toMatchObject([{ reason: 'token-reused' }]);
        expect(running.heard('notification.requested', first.user.id).map(({ data }) => data)).toEqual([
          {
            userId: first.user.id,
            kind: 'security-alert',
            values: { what: 'token-reused', at: expect.any(String) },
          },
        ]);
      });
    });
  });

  describe('that are refreshed while they end', () => {
    it('hazard: a reader that does not lock a session finds it active and rotates an ended session', async () => {
      const first = await running.register();
      const id = sessionOf(first);
      const [read] = await query(running.database.url, 'SELECT * FROM sessions WHERE id = $1', [id]);
      await running.call('DELETE', '/sessions/current', undefined, first.accessToken);
      const { generation, expires_at, revoked_at } = read as {
        generation: number;
        expires_at: Date;
        revoked_at: null;
      };
      const state = { generation, rotations: [], expiresAt: expires_at, revokedAt: revoked_at };
      expect(decideRefresh(state, 1, new Date()).kind).toBe('rotate');
    });

    it.each([1, 2, 3])(
      'guard: no token outlives the announced time, in whichever order the requests run (%i)',
      async () => {
        const first = await running.register();
        const id = sessionOf(first);
        const lock = `SELECT 1 FROM sessions WHERE id = '${id}' FOR UPDATE`;
        const [ended, ...refreshed] = await holdUntilOthersWait(running.database.url, lock, 4, () =>
          Promise.all([
            running.call('DELETE', '/sessions/current', undefined, first.accessToken),
            ...[1, 2, 3].map(() => refresh(first)),
          ]),
        );
        expect(ended.status).toBe(204);
        await eventually(() => expect(revocationsOf(id)).toHaveLength(1));
        const [{ tokensEndAt }] = revocationsOf(id) as [SessionRevoked];
        for (const { status, body } of refreshed) {
          expect([200, 401]).toContain(status);
          if (status !== 200) continue;
          expect((decodeJwt(body.accessToken).exp ?? 0) * 1_000).toBeLessThanOrEqual(Date.parse(tokensEndAt));
          expect(await refresh(body)).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
        }
      },
    );
  });

  it('are ended once by many simultaneous requests', async () => {
    const [first, second] = await twoSessions();
    const id = sessionOf(second);
    const answers = await Promise.all([1, 2, 3, 4].map(() => end(id, first.accessToken)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404]);
    await eventually(() => expect(revocationsOf(id)).toHaveLength(1));
  });

  it('are limited in number, and a sign-in beyond the limit ends the one that was used longest ago', async () => {
    const first = await running.register();
    const second = await running.signIn(first.user.email);
    running.clock.advance(1_000);
    await refresh(first);
    await query(
      running.database.url,
      `INSERT INTO sessions (id, user_id, rotation_key, expires_at, rotated_at)
       SELECT gen_random_uuid(), $1, '', now() + interval '1 day', now() + interval '1 hour' FROM generate_series(1, $2)`,
      [first.user.id, mostSessions - 2],
    );
    await running.signIn(first.user.email);
    await eventually(() => expect(revocationsOf(sessionOf(second))).toMatchObject([{ reason: 'revoked' }]));
    expect((await list(first.accessToken)).items).toHaveLength(mostSessions);
  });
});
