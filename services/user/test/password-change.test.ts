import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

describe('PUT /users/me/password', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService();
  });
  afterAll(() => running.close());

  const newPassword = 'a staple of batteries';
  const change = (token: string, body: Record<string, unknown> = {}) =>
    running.call('PUT', '/users/me/password', { currentPassword: password, newPassword, ...body }, token);
  const refresh = ({ refreshToken }: SignedIn) => running.call('POST', '/sessions/refresh', { refreshToken });
  const signIn = (email: string, secret: string) =>
    running.call<SignedIn>('POST', '/sessions', { email, password: secret });

  it('sets the password, ends all other sessions and sends a security alert', async () => {
    const own = await running.register();
    const { id, email } = own.user;
    const other = await running.signIn(email);
    expect(await change(own.accessToken)).toMatchObject({ status: 204, body: undefined });
    expect((await refresh(own)).status).toBe(200);
    expect(await refresh(other)).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
    expect((await signIn(email, password)).status).toBe(401);
    expect((await signIn(email, newPassword)).status).toBe(201);
    await eventually(() => {
      const ended = running.heard('user.session-revoked', id).map(({ data }) => data);
      expect(ended).toMatchObject([
        { sessionId: decodeJwt(other.accessToken).sid, reason: 'password-changed' },
      ]);
      const alerts = running.heard('notification.requested', id).map(({ data }) => data);
      expect(alerts).toMatchObject([{ kind: 'security-alert', values: { what: 'password-changed' } }]);
    });
  });

  it('requires the current password', async () => {
    const own = await running.register();
    expect(await change(own.accessToken, { currentPassword: 'a wrong one' })).toMatchObject({
      status: 401,
      body: { code: 'wrong-credentials' },
    });
    expect((await signIn(own.user.email, password)).status).toBe(201);
  });

  it.each([
    ['short', 'minLength'],
    ['x'.repeat(201), 'maxLength'],
    ['Password123', 'too-common'],
    ['aaaaaaaaaa', 'too-common'],
    ['  12345678', 'too-common'],
  ])('refuses the weak password %s', async (weak, code) => {
    const { accessToken } = await running.register();
    expect(await change(accessToken, { newPassword: weak })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ pointer: '/newPassword', code }] },
    });
  });

  it.each([
    ['the email', 'Weak.Person1@example.com'],
    ['the part of the email before the @', 'weak.person2'],
  ])('refuses %s, here and at registration', async (_, weak) => {
    const email = weak.includes('@') ? weak : `${weak}@example.com`;
    const refused = { status: 400, body: { errors: [{ pointer: '/password', code: 'is-email' }] } };
    expect(await running.call('POST', '/users', { email, password: weak, displayName: 'W' })).toMatchObject(
      refused,
    );
    const { accessToken } = await running.register({ email });
    expect(await change(accessToken, { newPassword: weak })).toMatchObject({ status: 400 });
  });

  it('is refused if the user signed out in the meantime', async () => {
    const { accessToken } = await running.register();
    await running.call('DELETE', '/sessions/current', undefined, accessToken);
    expect(await change(accessToken)).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
  });

  describe('during a sign-in with the old password', () => {
    it('hazard: ending all sessions misses a session that is opened after an earlier check of the password', async () => {
      const own = await running.register();
      await change(own.accessToken);
      const late = `INSERT INTO sessions (id, user_id, rotation_key, expires_at)
        VALUES (gen_random_uuid(), $1, '', now() + interval '1 day') RETURNING revoked_at`;
      expect(await query(running.database.url, late, [own.user.id])).toEqual([{ revoked_at: null }]);
    });

    it('guard: the late sign-in is refused', async () => {
      const { user } = await running.register();
      const changed = `UPDATE users SET password_hash = 'another' WHERE id = '${user.id}'`;
      const late = () =>
        holdUntilOthersWait(running.database.url, changed, 1, () => signIn(user.email, password), 'COMMIT');
      expect(await late()).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
      const open = await query(running.database.url, 'SELECT 1 FROM sessions WHERE user_id = $1', [user.id]);
      expect(open).toHaveLength(1);
    });

    it('guard: one of two simultaneous changes is refused', async () => {
      const own = await running.register();
      const lock = `SELECT 1 FROM users WHERE id = '${own.user.id}' FOR UPDATE`;
      const answers = await holdUntilOthersWait(running.database.url, lock, 2, () =>
        Promise.all(
          ['one new password', 'two new passwords'].map((each) =>
            change(own.accessToken, { newPassword: each }),
          ),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);
    });
  });
});
