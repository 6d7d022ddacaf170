import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { EmailVerificationRequested, PasswordResetRequested } from '@warren/user-contract';
import { decodeJwt } from 'jose';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

describe('a deleted account', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService();
  });
  afterAll(() => running.close());

  const remove = ({ accessToken }: SignedIn) =>
    running.call('POST', '/users/me/deletion', { password }, accessToken);
  const sessionOf = ({ accessToken }: SignedIn) => decodeJwt(accessToken).sid;

  async function withTokens() {
    const own = await running.register();
    await running.call('POST', '/password-resets', { email: own.user.email });
    const tokens = await eventually(() => {
      const [verification] = running.heard('user.email-verification-requested', own.user.id);
      const [reset] = running.heard('user.password-reset-requested', own.user.id);
      if (!verification || !reset) throw new Error('not mailed yet');
      return {
        verification: (verification.data as EmailVerificationRequested).token,
        reset: (reset.data as PasswordResetRequested).token,
      };
    });
    return { own, tokens };
  }

  const late = ({ own, tokens }: Awaited<ReturnType<typeof withTokens>>) => ({
    signIn: () => running.call('POST', '/sessions', { email: own.user.email, password }),
    refresh: () => running.call('POST', '/sessions/refresh', { refreshToken: own.refreshToken }),
    reset: () => running.call('POST', `/password-resets/${tokens.reset}`, { newPassword: 'another horse' }),
    verify: () => running.call('POST', `/email-verifications/${tokens.verification}`),
    askReset: () => running.call('POST', '/password-resets', { email: own.user.email }),
    askVerification: () => running.call('POST', '/email-verifications', undefined, own.accessToken),
    change: () =>
      running.call(
        'PUT',
        '/users/me/password',
        { currentPassword: password, newPassword: 'another horse' },
        own.accessToken,
      ),
    signOut: () => running.call('DELETE', '/sessions/current', undefined, own.accessToken),
  });

  it('has no sessions, resets or verifications, and its revocations hold nothing personal', async () => {
    const { own } = await withTokens();
    const other = await running.signIn(own.user.email);
    expect((await remove(own)).status).toBe(204);
    await eventually(() => {
      const ended = running.heard('user.session-revoked', own.user.id).map(({ data }) => data);
      expect(ended).toHaveLength(2);
      for (const each of [own, other]) {
        expect(ended).toContainEqual(
          expect.objectContaining({ sessionId: sessionOf(each), reason: 'account-deleted' }),
        );
      }
    });
    for (const table of ['sessions', 'password_resets', 'email_verifications']) {
      expect(
        await query(running.database.url, `SELECT 1 FROM ${table} WHERE user_id = $1`, [own.user.id]),
      ).toEqual([]);
    }
    const kept = 'SELECT * FROM session_revocations WHERE user_id = $1';
    const rows = await query(running.database.url, kept, [own.user.id]);
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toContain(own.user.email);
  });

  it('leaves no security alert in the outbox', async () => {
    const own = await running.register();
    const change = { currentPassword: password, newPassword: 'another horse' };
    await running.call('PUT', '/users/me/password', change, own.accessToken);
    await eventually(() => expect(running.heard('notification.requested', own.user.id)).toHaveLength(1));
    const alerts = async () => {
      const sql = `SELECT published_at IS NOT NULL AS published FROM messaging.outbox
        WHERE type = 'notification.requested' AND body LIKE '%' || $1 || '%'`;
      return await query(running.database.url, sql, [own.user.id]);
    };
    await eventually(async () => expect(await alerts()).toEqual([{ published: true }]));
    const deletion = { password: 'another horse' };
    const { status } = await running.call('POST', '/users/me/deletion', deletion, own.accessToken);
    expect(status).toBe(204);
    expect(await alerts()).toEqual([]);
  });

  it('refuses all later requests with the right code', async () => {
    const tokens = await withTokens();
    await remove(tokens.own);
    const { signIn, refresh, reset, verify, askReset, askVerification, change, signOut } = late(tokens);
    expect(await signIn()).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
    expect(await refresh()).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(await reset()).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
    expect(await verify()).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
    expect(await askReset()).toMatchObject({ status: 202 });
    expect(await askVerification()).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
    expect(await change()).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
    expect(await signOut()).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
  });

  it('refuses requests that run during the deletion with the right code', async () => {
    const tokens = await withTokens();
    const { id } = tokens.own.user;
    const calls = late(tokens);
    const gone = `DELETE FROM users WHERE id = '${id}'`;
    const answers = await holdUntilOthersWait(
      running.database.url,
      gone,
      8,
      () => Promise.all(Object.values(calls).map((call) => call())),
      'COMMIT',
    );
    expect(answers.map(({ status, body }) => [status, body?.code])).toEqual([
      [401, 'wrong-credentials'],
      [401, 'unauthenticated'],
      [422, 'invalid-token'],
      [422, 'invalid-token'],
      [202, undefined],
      [202, undefined],
      [401, 'session-revoked'],
      [401, 'session-revoked'],
    ]);
    const left = await query(running.database.url, 'SELECT 1 FROM sessions WHERE user_id = $1', [id]);
    expect(left).toEqual([]);
  });

  it('has no session left when it is deleted during a sign-in, in whichever order they run', async () => {
    const own = await running.register();
    const lock = `SELECT 1 FROM users WHERE id = '${own.user.id}' FOR UPDATE`;
    const [removed, signedIn] = await holdUntilOthersWait(running.database.url, lock, 2, () =>
      Promise.all([
        remove(own),
        running.call<SignedIn>('POST', '/sessions', { email: own.user.email, password }),
      ]),
    );
    expect(removed.status).toBe(204);
    expect([201, 401]).toContain(signedIn.status);
    if (signedIn.status === 201) {
      const ended = await eventually(() => {
        const found = running.heard('user.session-revoked', String(sessionOf(signedIn.body)));
        expect(found).toHaveLength(1);
        return found;
      });
      expect(ended).toMatchObject([{ data: { reason: 'account-deleted' } }]);
    }
  });

  it('cannot be registered and deleted again and again to flood a mailbox', async () => {
    const email = 'victim@example.com';
    const made: string[] = [];
    for (let times = 0; times < 5; times += 1) {
      const own = await running.register({ email });
      made.push(own.user.id);
      expect((await remove(own)).status).toBe(204);
    }
    const last = await running.register({ email });
    await running.call('POST', '/email-verifications', undefined, last.accessToken);
    const mailed = () =>
      [...made, last.user.id].flatMap((id) => running.heard('user.email-verification-requested', id));
    await eventually(() => expect(running.heard('user.registered', last.user.id)).toHaveLength(1));
    expect(mailed()).toHaveLength(3);
    running.clock.advance(6 * 60_000);
    await running.call('POST', '/email-verifications', undefined, last.accessToken);
    await eventually(() => expect(mailed()).toHaveLength(4));
  });

  it('can be registered and deleted only a limited number of times by one network, whoever is signed in', async () => {
    const limited = await runUserService({ env: { REGISTRATIONS_PER_MINUTE: '3' } });
    try {
      const people = await Promise.all([1, 2, 3].map(() => limited.register()));
      await expect(limited.register()).rejects.toThrow('rate-limited');
      const wrong = { password: 'a wrong guess' };
      const ask = (person?: SignedIn) =>
        limited.call('POST', '/users/me/deletion', wrong, person?.accessToken);
      for (const person of people) expect((await ask(person)).status).toBe(401);
      expect(await ask(people[0])).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    } finally {
      await limited.close();
    }
  });
});
