import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { PasswordResetRequested, User } from '@warren/user-contract';
import pg from 'pg';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

const minute = 60_000;

describe('password resets', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService({ env: { TRUST_PROXY: 'on' } });
  });
  afterAll(() => running.close());

  const newPassword = 'a staple of batteries';
  let addresses = 0;
  /** Sends each request from another address, so that no limit for one address applies. */
  const elsewhere = () => ({ 'x-forwarded-for': `203.0.113.7, 198.51.100.${++addresses}` });
  const ask = (email: string, headers: Record<string, string> = elsewhere()) =>
    running.call('POST', '/password-resets', { email }, undefined, headers);
  const use = (token: string, secret = newPassword) =>
    running.call('PUT', '/password-resets', { token, newPassword: secret }, undefined, elsewhere());
  const signIn = (email: string, secret: string) =>
    running.call<SignedIn>('POST', '/sessions', { email, password: secret });
  const mailed = (user: User) =>
    running.heard('user.password-reset-requested', user.id).map(({ data }) => data as PasswordResetRequested);

  async function tokenOf(user: User, nth = 1): Promise<string> {
    expect(await ask(user.email)).toMatchObject({ status: 202, body: {} });
    return await eventually(() => {
      expect(mailed(user)).toHaveLength(nth);
      return mailed(user).at(-1)?.token as string;
    });
  }

  it('set a new password once with the mailed token, end all sessions and send a security alert', async () => {
    const { user, refreshToken } = await running.register();
    const token = await tokenOf(user);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await use(token)).toMatchObject({ status: 202, body: {} });
    expect(await use(token)).toMatchObject({
      status: 422,
      body: { code: 'invalid-token', temporary: false },
    });
    expect((await signIn(user.email, password)).status).toBe(401);
    expect((await signIn(user.email, newPassword)).status).toBe(201);
    const { status } = await running.call('POST', '/sessions/refresh', { refreshToken });
    expect(status).toBe(401);
    await eventually(() => {
      const ended = running.heard('user.session-revoked', user.id).map(({ data }) => data);
      expect(ended).toMatchObject([{ reason: 'password-reset' }]);
      const alerts = running.heard('notification.requested', user.id).map(({ data }) => data);
      expect(alerts).toMatchObject([{ values: { what: 'password-reset' } }]);
    });
  });

  it('verify the address and publish this once', async () => {
    const { user } = await running.register();
    expect(await use(await tokenOf(user))).toMatchObject({ status: 202 });
    const { body } = await signIn(user.email, newPassword);
    const proven = { ...user, emailVerified: true, version: 2 };
    expect(body.user).toEqual(proven);
    expect(await use(await tokenOf(user, 2))).toMatchObject({ status: 202 });
    expect((await signIn(user.email, newPassword)).body.user).toEqual(proven);
    await eventually(() => {
      expect(running.heard('user.updated', user.id).map(({ data }) => data)).toEqual([proven]);
    });
    const feed = 'SELECT type FROM messaging.feed WHERE user_id = $1';
    expect(await query(running.database.url, feed, [user.id])).toEqual([{ type: 'user.updated' }]);
  });

  it('give an account to the owner of its address if somebody else registered it', async () => {
    const squatter = await running.register();
    const { user } = squatter;
    expect(await use(await tokenOf(user))).toMatchObject({ status: 202 });
    expect((await signIn(user.email, password)).status).toBe(401);
    const { refreshToken, accessToken } = squatter;
    expect((await running.call('POST', '/sessions/refresh', { refreshToken })).status).toBe(401);
    const change = { currentPassword: newPassword, newPassword: 'the old one again' };
    const changed = await running.call('PUT', '/users/me/password', change, accessToken);
    expect(changed).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
  });

  it('are mailed again when the last token has expired, however often they were requested', async () => {
    const { user } = await running.register();
    for (let mails = 1; mails <= 8; mails += 1) {
      expect((await ask(user.email)).status).toBe(202);
      await eventually(() => expect(mailed(user)).toHaveLength(mails));
      if (mails >= 3) running.clock.advance(30 * minute);
    }
  });

  it('are mailed to the account’s address, and only their hash is stored', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    expect(mailed(user)).toMatchObject([{ userId: user.id, email: user.email }]);
    const [event] = running.heard('user.password-reset-requested', user.id);
    expect(event?.subject).toBe(user.id);
    const kept = await query(running.database.url, 'SELECT * FROM password_resets WHERE user_id = $1', [
      user.id,
    ]);
    expect(kept).toMatchObject([{ token_hash: createHash('sha256').update(token).digest('base64url') }]);
  });

  it('are answered in the same way and time for an address without an account', async () => {
    const { user } = await running.register();
    const timed = async (email: string) => {
      const start = performance.now();
      const { status, body } = await ask(email);
      return { status, body, took: performance.now() - start };
    };
    const [known, unknown] = [await timed(user.email), await timed('nobody.at.all@example.com')];
    expect({ status: unknown.status, body: unknown.body }).toEqual({ status: 202, body: {} });
    expect(known.status).toBe(202);
    for (const { took } of [known, unknown]) expect(took).toBeGreaterThanOrEqual(249);
  });

  it('are answered at the same time if the work takes long', async () => {
    const { user } = await running.register();
    const holder = new pg.Client({ connectionString: running.database.url });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      expect(await ask(user.email)).toMatchObject({ status: 202 });
      expect(mailed(user)).toEqual([]);
    } finally {
      await holder.end();
    }
    await eventually(() => expect(mailed(user)).toHaveLength(1));
  });

  it('are valid for 30 minutes', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    running.clock.advance(30 * minute + 1);
    expect(await use(token)).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
    expect((await signIn(user.email, password)).status).toBe(201);
  });

  it('are valid only as the newest', async () => {
    const { user } = await running.register();
    const first = await tokenOf(user);
    const second = await tokenOf(user, 2);
    expect(await use(first)).toMatchObject({ status: 422 });
    expect(await use(second)).toMatchObject({ status: 202 });
  });

  it('are withdrawn by a change of the password', async () => {
    const { user, accessToken } = await running.register();
    const token = await tokenOf(user);
    await running.call('PUT', '/users/me/password', { currentPassword: password, newPassword }, accessToken);
    expect(await use(token, 'yet another one')).toMatchObject({ status: 422 });
  });

  it.each([['rubbish'], ['A'.repeat(43)], ['A'.repeat(99)]])('refuse the token %s', async (token) => {
    expect(await use(token)).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
  });

  it('refuse a weak password, keep the token valid and say so', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    for (const [weak, code] of [
      [user.email, 'is-email'],
      ['password', 'too-common'],
      ['short', 'minLength'],
      ['', 'minLength'],
      ['long '.repeat(50), 'maxLength'],
    ] as const)
      expect(await use(token, weak)).toMatchObject({
        status: 400,
        body: {
          code: 'invalid-request',
          detail: expect.stringContaining('token is still valid'),
          errors: [{ pointer: '/newPassword', code }],
        },
      });
    expect(await use(token)).toMatchObject({ status: 202 });
  });

  it('still accept the token in the path, as in the previous release', async () => {
    const { user } = await running.register();
    const path = `/password-resets/${await tokenOf(user)}`;
    const before = () => running.call('POST', path, { newPassword }, undefined, elsewhere());
    expect(await before()).toMatchObject({ status: 202, body: {} });
    expect(await before()).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
    expect((await signIn(user.email, newPassword)).status).toBe(201);
  });

  it('succeed once if two requests use the token at the same moment', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    const lock = `SELECT 1 FROM users WHERE id = '${user.id}' FOR UPDATE`;
    const answers = await holdUntilOthersWait(running.database.url, lock, 2, () =>
      Promise.all(['one new password', 'two new passwords'].map((each) => use(token, each))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 422]);
    const winner = answers[0]?.status === 202 ? 'one new password' : 'two new passwords';
    expect((await signIn(user.email, winner)).status).toBe(201);
  });

  it('do not flood a mailbox, and the answers do not show the limit', async () => {
    const { user } = await running.register();
    for (let asked = 0; asked < 6; asked += 1) expect((await ask(user.email)).status).toBe(202);
    await eventually(() => expect(mailed(user)).toHaveLength(3));
    running.clock.advance(6 * minute);
    expect((await ask(user.email)).status).toBe(202);
    await eventually(() => expect(mailed(user)).toHaveLength(4));
  });

  it('are limited for one client address, whatever account it names', async () => {
    const from = { 'x-forwarded-for': '192.0.2.77' };
    const answers = await Promise.all(
      Array.from({ length: 21 }, (_, index) => ask(`nobody${index}@example.com`, from)),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toMatchObject([{ body: { code: 'rate-limited' } }]);
  });

  it('let in an owner who had to wait because of an attacker’s guesses', async () => {
    const { user } = await running.register();
    const account = `INSERT INTO attempts SELECT key, 500, now() + interval '1 day', now() + interval '1 day' FROM attempts
      WHERE count = 1 ON CONFLICT (key) DO UPDATE SET count = 500, waits_until = excluded.waits_until`;
    await signIn(user.email, 'a wrong guess');
    await query(running.database.url, account);
    expect((await signIn(user.email, password)).status).toBe(429);
    expect(await use(await tokenOf(user))).toMatchObject({ status: 202 });
    const elsewhereIn = await running.call(
      'POST',
      '/sessions',
      { email: user.email, password: newPassword },
      undefined,
      elsewhere(),
    );
    expect(elsewhereIn.status).toBe(201);
  });

  it('let in an owner who forgot the password and guessed too often', async () => {
    const { user } = await running.register();
    const from = elsewhere();
    const signInHere = async (secret: string) =>
      (await running.call('POST', '/sessions', { email: user.email, password: secret }, undefined, from))
        .status;
    for (let guesses = 0; guesses < 5; guesses += 1) await signInHere('a wrong guess');
    expect(await signInHere(password)).toBe(429);
    const token = await tokenOf(user);
    await running.call('PUT', '/password-resets', { token, newPassword }, undefined, from);
    expect(await signInHere(newPassword)).toBe(201);
  });
});
