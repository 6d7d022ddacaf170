import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { EmailVerificationRequested } from '@warren/user-contract';
import { decodeJwt } from 'jose';
import { type Running, runUserService, type SignedIn } from './support/service.js';

describe('roles', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService({
      env: { ADMIN_EMAILS: 'Boss@example.com, chief@example.com' },
      internal: true,
    });
  });
  afterAll(() => running.close());

  const rolesIn = ({ accessToken }: SignedIn) => decodeJwt(accessToken).roles;
  const refresh = async ({ refreshToken }: SignedIn) =>
    (await running.call<SignedIn>('POST', '/sessions/refresh', { refreshToken })).body;
  const put = async (id: string, body: unknown) => {
    const { accessToken } = await running.register();
    return await running.call<unknown>('PUT', `/admin/users/${id}/roles`, body, accessToken);
  };

  it('appear in tokens from the next refresh on, and change nothing that others see', async () => {
    const own = await running.register();
    const roles = ['support', 'refund-clerk'];
    expect(await put(own.user.id, { roles })).toMatchObject({
      status: 200,
      body: { id: own.user.id, roles },
    });
    const refreshed = await refresh(own);
    expect(rolesIn(refreshed)).toEqual(roles);
    expect(refreshed.user).toEqual(own.user);
    expect(await put(own.user.id, { roles: [] })).toMatchObject({ status: 200 });
    expect(rolesIn(await refresh(refreshed))).toEqual([]);
  });

  it.each([
    [{ roles: ['Admin'] }, '/roles/0'],
    [{ roles: ['two words'] }, '/roles/0'],
    [{ roles: ['a', 'a'] }, '/roles'],
    [{ roles: Array.from({ length: 21 }, (_, index) => `role-${'x'.repeat(index)}`) }, '/roles'],
    [{ roles: 'admin' }, '/roles'],
    [{}, '/roles'],
  ])('refuse the invalid roles %j', async (body, pointer) => {
    const { user } = await running.register();
    const refused = { status: 400, body: { code: 'invalid-request', errors: [{ pointer }] } };
    expect(await put(user.id, body)).toMatchObject(refused);
  });

  it('get `not-found` for an unknown user', async () => {
    expect(await put('018f0000-0000-7000-8000-000000000000', { roles: [] })).toMatchObject({ status: 404 });
  });

  const newPassword = 'a staple of batteries';
  const mailed = (type: string, id: string) =>
    eventually(() => {
      const [event] = running.heard(type, id);
      if (!event) throw new Error('not mailed yet');
      return (event.data as EmailVerificationRequested).token;
    });
  const verify = async (id: string) =>
    await running.call(
      'POST',
      `/email-verifications/${await mailed('user.email-verification-requested', id)}`,
    );
  const reset = async (email: string, id: string) => {
    await running.call('POST', '/password-resets', { email });
    const token = await mailed('user.password-reset-requested', id);
    return await running.call('POST', `/password-resets/${token}`, { newPassword });
  };

  it('include admin for a listed address only after a mailed token has set the password', async () => {
    const boss = await running.register({ email: 'boss@EXAMPLE.com' });
    expect(rolesIn(boss)).toEqual([]);
    expect((await reset('boss@example.com', boss.user.id)).status).toBe(202);
    const again = await running.signIn('boss@example.com', newPassword);
    expect(rolesIn(again)).toEqual(['admin']);
    expect(rolesIn(await refresh(again))).toEqual(['admin']);
  });

  it('do not include admin for somebody who registered another person’s address, even if its owner verifies it', async () => {
    const email = 'chief@example.com';
    const thief = await running.register({ email });
    expect((await verify(thief.user.id)).status).toBe(202);
    const refreshed = await refresh(thief);
    expect(refreshed.user.emailVerified).toBe(true);
    expect(rolesIn(refreshed)).toEqual([]);
    expect(rolesIn(await running.signIn(email))).toEqual([]);
    await reset(email, thief.user.id);
    expect(await refresh(refreshed)).toMatchObject({ code: 'session-revoked' });
    expect(rolesIn(await running.signIn(email, newPassword))).toEqual(['admin']);
  });
});
