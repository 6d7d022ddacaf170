import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { PasswordResetRequested } from '@warren/user-contract';
import { decodeJwt } from 'jose';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

describe('while too many events wait for the broker', () => {
  let running: Running;
  let people: SignedIn[];
  let token: string;
  beforeAll(async () => {
    running = await runUserService({ env: { OUTBOX_BACKLOG: '50' } });
    people = [await running.register(), await running.register(), await running.register()];
    const { email, id } = (await running.register()).user;
    await running.call('POST', '/password-resets', { email });
    token = await eventually(() => {
      const [asked] = running.heard('user.password-reset-requested', id);
      if (!asked) throw new Error('not mailed yet');
      return (asked.data as PasswordResetRequested).token;
    });
    await query(
      running.database.url,
      `INSERT INTO messaging.outbox (id, type, body, claimed_until)
      SELECT gen_random_uuid(), 'user.updated', '{}', now() + interval '1 hour' FROM generate_series(1, 100)`,
    );
    await eventually(() => expect(running.register()).rejects.toThrow('service-overloaded'));
  }, 120_000);
  afterAll(() => running.close());

  const person = (index: number) => people[index] as SignedIn;
  const sessionOf = ({ accessToken }: SignedIn) => String(decodeJwt(accessToken).sid);

  it('a change of the profile is refused with a temporary error', async () => {
    const { accessToken } = person(0);
    const refused = { status: 503, body: { code: 'service-overloaded', temporary: true } };
    const change = { displayName: 'Another' };
    expect(await running.call('PATCH', '/users/me', change, accessToken)).toMatchObject(refused);
  });

  it('users can sign in, refresh and sign out', async () => {
    const again = await running.signIn(person(0).user.email);
    const { refreshToken } = again;
    expect((await running.call('POST', '/sessions/refresh', { refreshToken })).status).toBe(200);
    const out = await running.call('DELETE', '/sessions/current', undefined, again.accessToken);
    expect(out.status).toBe(204);
  });

  it('users can end another session, and other services hear of it', async () => {
    const own = person(1);
    const other = sessionOf(await running.signIn(own.user.email));
    const ended = await running.call('DELETE', `/sessions/${other}`, undefined, own.accessToken);
    expect(ended.status).toBe(204);
    await eventually(() => expect(running.heard('user.session-revoked', other)).toHaveLength(1));
  });

  it('users can change their password, or reset it by mail', async () => {
    const { accessToken } = person(2);
    const change = { currentPassword: password, newPassword: 'a staple of batteries' };
    expect((await running.call('PUT', '/users/me/password', change, accessToken)).status).toBe(204);
    const reset = { newPassword: 'a staple of batteries' };
    expect((await running.call('POST', `/password-resets/${token}`, reset)).status).toBe(202);
  });
});
