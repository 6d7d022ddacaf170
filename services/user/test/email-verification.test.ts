import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { EmailVerificationRequested, User } from '@warren/user-contract';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { type Running, runUserService } from './support/service.js';

describe('email verifications', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService();
  });
  afterAll(() => running.close());

  const mailed = (user: User) =>
    running
      .heard('user.email-verification-requested', user.id)
      .map(({ data }) => data as EmailVerificationRequested);
  const verify = (token: string) => running.call('PUT', '/email-verifications', { token });
  const ask = (accessToken: string) => running.call('POST', '/email-verifications', undefined, accessToken);
  const tokenOf = (user: User, nth = 1) =>
    eventually(() => {
      expect(mailed(user)).toHaveLength(nth);
      return mailed(user).at(-1)?.token as string;
    });

  it('are mailed at registration, verify the address and publish the change', async () => {
    const { user, accessToken } = await running.register();
    const token = await tokenOf(user);
    expect(mailed(user)).toMatchObject([{ userId: user.id, email: user.email }]);
    expect(await verify(token)).toMatchObject({ status: 202, body: {} });
    const verified = { ...user, emailVerified: true, version: 2 };
    const me = await running.call<User>('GET', '/users/me', undefined, accessToken);
    expect(me.body).toEqual(verified);
    await eventually(() =>
      expect(running.heard('user.updated', user.id)).toMatchObject([{ entityversion: 2, data: verified }]),
    );
    const feed = await query(running.database.url, 'SELECT data FROM messaging.feed WHERE user_id = $1', [
      user.id,
    ]);
    expect(feed).toEqual([{ data: verified }]);
    expect(await verify(token)).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
  });

  it('show in a lookup whether the address is verified', async () => {
    const [{ user }, { accessToken }] = [await running.register(), await running.register()];
    const found = async () =>
      (await running.call('POST', '/users/lookup', { email: user.email }, accessToken)).body;
    const { id, displayName } = user;
    expect(await found()).toEqual({ id, displayName, emailVerified: false });
    await verify(await tokenOf(user));
    expect(await found()).toEqual({ id, displayName, emailVerified: true });
  });

  it('are mailed again on request of a signed-in user, and only the newest is valid', async () => {
    const { user, accessToken } = await running.register();
    const first = await tokenOf(user);
    expect((await running.call('POST', '/email-verifications')).status).toBe(401);
    expect(await ask(accessToken)).toMatchObject({ status: 202, body: {} });
    const second = await tokenOf(user, 2);
    expect((await verify(first)).status).toBe(422);
    expect((await verify(second)).status).toBe(202);
  });

  it('are not mailed for a verified address', async () => {
    const { user, accessToken } = await running.register();
    await verify(await tokenOf(user));
    expect((await ask(accessToken)).status).toBe(202);
    const kept = await query(running.database.url, 'SELECT 1 FROM email_verifications WHERE user_id = $1', [
      user.id,
    ]);
    expect(kept).toEqual([]);
  });

  it('are mailed only a limited number of times, including the one at registration', async () => {
    const { user, accessToken } = await running.register();
    for (let asked = 0; asked < 6; asked += 1) expect((await ask(accessToken)).status).toBe(202);
    await eventually(() => expect(mailed(user)).toHaveLength(3));
    running.clock.advance(6 * 60_000);
    await ask(accessToken);
    await eventually(() => expect(mailed(user)).toHaveLength(4));
  });

  it('are not counted if they could not be mailed', async () => {
    const { user, accessToken } = await running.register();
    const rename = (from: string, to: string) =>
      query(running.database.url, `ALTER TABLE ${from} RENAME TO ${to}`);
    await rename('email_verifications', 'away');
    try {
      for (let asked = 0; asked < 5; asked += 1) expect((await ask(accessToken)).status).toBe(500);
    } finally {
      await rename('away', 'email_verifications');
    }
    await ask(accessToken);
    await ask(accessToken);
    await eventually(() => expect(mailed(user)).toHaveLength(3));
  });

  it('still accept the token in the path, as in the previous release', async () => {
    const { user } = await running.register();
    const path = `/email-verifications/${await tokenOf(user)}`;
    expect(await running.call('POST', path)).toMatchObject({ status: 202, body: {} });
    expect(await running.call('POST', path)).toMatchObject({ status: 422 });
  });

  it('are valid for a day', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    running.clock.advance(24 * 60 * 60_000 + 1);
    expect(await verify(token)).toMatchObject({ status: 422, body: { code: 'invalid-token' } });
    expect((await verify('rubbish')).status).toBe(422);
  });

  it('succeed once if many requests use the token at the same moment', async () => {
    const { user } = await running.register();
    const token = await tokenOf(user);
    const lock = `SELECT 1 FROM users WHERE id = '${user.id}' FOR UPDATE`;
    const answers = await holdUntilOthersWait(running.database.url, lock, 3, () =>
      Promise.all([1, 2, 3].map(() => verify(token))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 422, 422]);
    await eventually(() => expect(running.heard('user.updated', user.id)).toHaveLength(1));
  });
});
