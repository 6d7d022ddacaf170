import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Revocations, SessionRevoked } from '@warren/contracts';
import type { RunningService } from '@warren/service-kit';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { query } from './support/query.js';
import {
  password,
  type Running,
  runUserService,
  type SignedIn,
  startUserService,
} from './support/service.js';

const sessionOf = ({ accessToken }: SignedIn) => String(decodeJwt(accessToken).sid);

describe('a session that expires', () => {
  let running: Running;
  let pruning: RunningService | undefined;
  beforeAll(async () => {
    running = await runUserService({ internal: true, every: 3_600_000 });
  });
  afterAll(async () => {
    await pruning?.stop();
    await running.close();
  });

  const revoked = (id: string) => running.heard('user.session-revoked', id).map(({ data }) => data);
  const isKept = async (id: string) =>
    (await query(running.database.url, 'SELECT 1 FROM sessions WHERE id = $1', [id])).length > 0;
  const runOut = (own: SignedIn, tokensEndAt = "now() - interval '1 day'") =>
    query(
      running.database.url,
      `UPDATE sessions SET expires_at = now() - interval '1 s', tokens_end_at = ${tokensEndAt} WHERE id = $1`,
      [sessionOf(own)],
    );
  const refresh = ({ refreshToken }: SignedIn) => running.call('POST', '/sessions/refresh', { refreshToken });

  it('accepts no refresh token any more', async () => {
    const own = await running.register();
    await runOut(own);
    expect(await refresh(own)).toMatchObject({ status: 401, body: { code: 'token-expired' } });
  });

  it('is not announced if its account was deleted first', async () => {
    const first = await running.register();
    const second = await running.signIn(first.user.email);
    await runOut(first);
    await running.call('POST', '/users/me/deletion', { password }, second.accessToken);
    const last = await running.register();
    await runOut(last);
    await prune();
    await eventually(() => expect(revoked(sessionOf(last))).toHaveLength(1));
    await eventually(() => expect(revoked(sessionOf(second))).toMatchObject([{ reason: 'account-deleted' }]));
    expect(revoked(sessionOf(first))).toEqual([]);
  });

  it('is announced once and deleted, and is not listed, since its tokens have expired', async () => {
    await prune();
    const own = await running.register();
    const other = await running.signIn(own.user.email);
    const id = sessionOf(own);
    await runOut(own);
    await eventually(() => expect(revoked(id)).toMatchObject([{ userId: own.user.id, reason: 'expired' }]));
    const [{ revokedAt, tokensEndAt }] = revoked(id) as [SessionRevoked];
    expect(Date.parse(tokensEndAt)).toBeLessThan(Date.parse(revokedAt));
    expect(await isKept(id)).toBe(false);
    expect(await refresh(own)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await refresh(other)).status).toBe(200);
    const kept = 'SELECT 1 FROM session_revocations WHERE session_id = $1';
    expect(await query(running.database.url, kept, [id])).toEqual([]);
    expect(revoked(id)).toHaveLength(1);
  });

  it('is listed as ended while a token of it may still be valid', async () => {
    await prune();
    const own = await running.register();
    await runOut(own, "now() + interval '5 min'");
    const { revocations } = await eventually(async () => {
      const { body } = await running.call<Revocations>('GET', '/internal/revocations');
      expect(body.revocations.map(({ sessionId }) => sessionId)).toContain(sessionOf(own));
      return body;
    });
    const listed = revocations.find(({ sessionId }) => sessionId === sessionOf(own));
    expect(listed).toMatchObject({ reason: 'expired', userId: own.user.id });
    await eventually(() => expect(revoked(sessionOf(own))).toEqual([listed]));
  });

  it('continues if it is being extended, and does not delay the others', async () => {
    await stopPruning();
    const [renewed, over] = [await running.register(), await running.register()];
    await runOut(renewed);
    await runOut(over);
    const holder = new pg.Client({ connectionString: running.database.url });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      const more = "UPDATE sessions SET expires_at = now() + interval '1 day' WHERE id = $1";
      await holder.query(more, [sessionOf(renewed)]);
      await prune();
      await eventually(() => expect(revoked(sessionOf(over))).toHaveLength(1));
      await holder.query('COMMIT');
    } finally {
      await holder.end();
    }
    const last = await running.register();
    await runOut(last);
    await eventually(() => expect(revoked(sessionOf(last))).toHaveLength(1));
    expect(revoked(sessionOf(renewed))).toEqual([]);
    expect(await isKept(sessionOf(renewed))).toBe(true);
  });

  /** Starts an instance that prunes every 20 ms. */
  async function prune(): Promise<void> {
    const { database, bus, clock } = running;
    pruning ??= await startUserService(database, bus, { clock, every: 20 });
  }

  async function stopPruning(): Promise<void> {
    await pruning?.stop();
    pruning = undefined;
  }
});
