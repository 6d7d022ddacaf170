import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Revocations } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import { query } from './support/query.js';
import {
  callOf,
  password,
  type Running,
  runUserService,
  type SignedIn,
  startUserService,
  TestClock,
} from './support/service.js';

const day = 86_400_000;
const sessionOf = ({ accessToken }: SignedIn) => String(decodeJwt(accessToken).sid);

describe('sessions that ended early', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService({ internal: true });
  });
  afterAll(() => running.close());

  const recent = async () => (await running.call<Revocations>('GET', '/internal/revocations')).body;
  it('are listed from a given date on', async () => {
    const out = await running.register();
    await running.call('DELETE', '/sessions/current', undefined, out.accessToken);
    const since = async (at: number) =>
      (
        await running.call<Revocations>(
          'GET',
          `/internal/revocations?since=${encodeURIComponent(new Date(at).toISOString())}`,
        )
      ).body.revocations.map(({ sessionId }) => sessionId);
    expect(await since(Date.now() - 60_000)).toContain(sessionOf(out));
    expect(await since(Date.now() + 60_000)).toEqual([]);
  });

  const isRecent = async (id: string) =>
    (await recent()).revocations.some(({ sessionId }) => sessionId === id);

  it('are listed until their last access token has expired, even if the account was deleted', async () => {
    const [out, deleted] = [await running.register(), await running.register()];
    await running.call('DELETE', '/sessions/current', undefined, out.accessToken);
    await running.call('POST', '/users/me/deletion', { password: 'correct horse' }, deleted.accessToken);
    const { revocations } = await recent();
    expect(compileWriter(Revocations)({ revocations }).ok).toBe(true);
    const ids = [out, deleted].map(sessionOf);
    expect(
      revocations.filter(({ sessionId }) => ids.includes(sessionId)).map(({ reason }) => reason),
    ).toEqual(['signed-out', 'account-deleted']);
    running.clock.advance(950_000);
    expect(await isRecent(sessionOf(out))).toBe(true);
    running.clock.advance(15_000);
    expect(await isRecent(sessionOf(out))).toBe(false);
  });

  it.each(['just signed in', 'refreshed', 'refreshed again with the same token'])(
    'are listed until then even by an instance whose own tokens have a shorter lifetime (%s)',
    async (how) => {
      const { clock, database, bus } = running;
      const env = { ACCESS_TOKEN_SECONDS: '7200' };
      const longer = await startUserService(database, bus, { clock, env });
      try {
        const call = callOf(longer.url);
        const own = await running.register();
        const { email } = own.user;
        let given = (await call<SignedIn>('POST', '/sessions', { email, password })).body;
        const first = given;
        const shorter = () => running.call('POST', '/sessions/refresh', { refreshToken: first.refreshToken });
        const again = async () => {
          const { refreshToken } = first;
          given = (await call<SignedIn>('POST', '/sessions/refresh', { refreshToken })).body;
        };
        if (how === 'refreshed') await again();
        if (how === 'refreshed again with the same token') {
          await shorter();
          await query(database.url, 'UPDATE sessions SET tokens_end_at = NULL WHERE id = $1', [
            sessionOf(first),
          ]);
          await again();
        }
        const { exp } = decodeJwt(given.accessToken);
        await running.call('DELETE', '/sessions/current', undefined, given.accessToken);
        const { revocations } = await recent();
        const ended = revocations.find(({ sessionId }) => sessionId === sessionOf(given));
        expect(Date.parse(ended?.tokensEndAt ?? '')).toBeGreaterThanOrEqual(Number(exp) * 1_000);
      } finally {
        await longer.stop();
      }
    },
  );

  it('are pruned when they are no longer needed, like all expired rows', async () => {
    const own = await running.register();
    await running.call('POST', '/password-resets', { email: own.user.email });
    await running.call('POST', '/sessions', { email: own.user.email, password: 'a wrong guess' });
    await running.call('DELETE', '/sessions/current', undefined, own.accessToken);
    const bulk = `INSERT INTO sessions (id, user_id, rotation_key, expires_at)
      SELECT gen_random_uuid(), $1, '', now() FROM generate_series(1, 1200)`;
    await query(running.database.url, bulk, [own.user.id]);
    const counts = async () => {
      const tables = [
        'sessions',
        'session_revocations',
        'password_resets',
        'email_verifications',
        'attempts',
      ];
      const sql = tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`).join(', ');
      return (await query(running.database.url, `SELECT ${sql}`))[0] as Record<string, number>;
    };
    const before = await counts();
    for (const count of Object.values(before)) expect(count).toBeGreaterThan(0);
    const clock = new TestClock();
    clock.advance(running.clock.now().getTime() - Date.now());
    const pruning = await startUserService(running.database, running.bus, { clock, every: 5 });
    try {
      await eventually(async () => expect((await counts()).sessions).toBeLessThan(1_200));
      expect((await counts()).attempts).toBe(before.attempts);
      clock.advance(31 * day);
      await eventually(async () =>
        expect(await counts()).toEqual({
          sessions: 0,
          session_revocations: 0,
          password_resets: 0,
          email_verifications: 0,
          attempts: 0,
        }),
      );
    } finally {
      await pruning.stop();
    }
  });
});
