import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EmailVerificationRequested } from '@warren/contracts';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import { type Running, runUserService, type SignedIn } from './running.js';

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

  it('that are set are in tokens from the next refresh on, and change nothing that others see', async () => {
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
  ])('refuse %j', async (body, pointer) => {
    const { user } = await running.register();
    const refused = { status: 400, body: { code: 'invalid-request', errors: [{ pointer }] } };
    expect(await put(user.id, body)).toMatchObject(refused);
  });

  it('are not there for people who aren’t', async () => {
    expect(await put('018f0000-0000-7000-8000-000000000000', { roles: [] })).toMatchObject({ status: 404 });
  });

  it('include admin for a listed address once it is proven, and not before', async () => {
    const boss = await running.register({ email: 'boss@EXAMPLE.com' });
    expect(rolesIn(boss)).toEqual([]);
    expect(rolesIn(await running.signIn('boss@example.com'))).toEqual([]);
    const token = await eventually(() => {
      const [mailed] = running.heard('user.email-verification-requested', boss.user.id);
      if (!mailed) throw new Error('not mailed yet');
      return (mailed.data as EmailVerificationRequested).token;
    });
    await running.call('POST', `/email-verifications/${token}`);
    expect(rolesIn(await running.signIn('boss@example.com'))).toEqual(['admin']);
    expect(rolesIn(await refresh(boss))).toEqual(['admin']);
  });
});
