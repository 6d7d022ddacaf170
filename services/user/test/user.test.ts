import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { eventually } from '@warren/testing';
import type { User } from '@warren/user-contract';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { holdUntilOthersWait } from './support/locks.js';
import { query } from './support/query.js';
import { type Running, runUserService, type SignedIn } from './support/service.js';

describe('the user service', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService();
  });
  afterAll(() => running.close());

  describe('POST /users/me/deletion', () => {
    it('requires the password, leaves a tombstone and ends every session', async () => {
      const { user, accessToken, refreshToken } = await running.register();
      const remove = (password: string) =>
        running.call('POST', '/users/me/deletion', { password }, accessToken);
      expect(await remove('wrong horse')).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
      expect((await running.call('GET', '/users/me', undefined, accessToken)).status).toBe(200);
      const outcomes = await Promise.all([remove('correct horse'), remove('correct horse')]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual([204, 401]);
      await eventually(() => {
        const told = running.heard('user.deleted', user.id);
        expect(told.map(({ data }) => data)).toEqual([{ id: user.id, version: 2 }]);
      });
      expect((await running.call('POST', '/sessions/refresh', { refreshToken })).status).toBe(401);
      expect((await running.call('GET', '/users/me', undefined, accessToken)).status).toBe(401);
      const again = { email: user.email, password: 'another horse', displayName: 'Someone else' };
      expect((await running.call('POST', '/users', again)).status).toBe(201);
    });
  });

  describe('POST /users', () => {
    it('registers, publishes the user and signs a token that others can verify', async () => {
      const { user, accessToken, refreshToken, expiresIn } = await running.register({
        email: '  Ann.Lee@Example.COM ',
        displayName: ' Ann Lee ',
        locale: 'de-DE',
        timeZone: 'Europe/Berlin',
      });
      expect(user).toMatchObject({
        email: 'ann.lee@example.com',
        emailVerified: false,
        displayName: 'Ann Lee',
        locale: 'de-DE',
        timeZone: 'Europe/Berlin',
        version: 1,
      });
      expect(refreshToken).not.toBe('');

      const keys = createRemoteJWKSet(new URL(`${running.service.url}/.well-known/jwks.json`));
      const options = { issuer: 'urn:warren:user', audience: 'warren', algorithms: ['ES256'], typ: 'at+jwt' };
      const { payload } = await jwtVerify(accessToken, keys, options);
      expect(payload).toMatchObject({ sub: user.id, roles: [], sid: expect.any(String) });
      expect(expiresIn).toBe(900);
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(expiresIn);

      const event = await eventually(() => {
        const [found] = running.heard('user.registered', user.id);
        if (!found) throw new Error('not heard yet');
        return found;
      });
      expect(event).toMatchObject({
        type: 'user.registered',
        source: '/services/user',
        entityversion: 1,
        data: user,
      });
    });

    it('accepts an email address once, however it is written and however close the race is', async () => {
      await running.register({ email: 'once@example.com' });
      const again = { email: 'ONCE@example.com', password: 'correct horse', displayName: 'Bob' };
      expect(await running.call('POST', '/users', again)).toMatchObject({
        status: 409,
        body: { code: 'email-taken' },
      });

      const racing = { ...again, email: 'race@example.com' };
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => running.call('POST', '/users', racing)),
      );
      expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    });

    it.each([
      ['no email', { email: 'nobody' }, '/email'],
      ['a short password', { password: 'short' }, '/password'],
      ['a blank name', { displayName: '   ' }, '/displayName'],
      ['a name with a NUL', { displayName: 'A\u0000B' }, '/displayName'],
      ['an invisible name', { displayName: '\u200b' }, '/displayName'],
      ['a name that reverses the text around it', { displayName: 'Ann \u202e' }, '/displayName'],
      ['a name that is a link', { displayName: 'Claim it at evil.example' }, '/displayName'],
      ['an address to which no mail can be sent', { email: `${'a'.repeat(65)}@example.com` }, '/email'],
      ['no locale', { locale: 'not_a_locale' }, '/locale'],
      ['no time zone', { timeZone: 'Mars/Olympus' }, '/timeZone'],
      ['a field too many', { roles: ['admin'] }, '/roles'],
    ])('refuses %s and points at it', async (_, change, pointer) => {
      const person = { email: 'bad@example.com', password: 'correct horse', displayName: 'Bad', ...change };
      const { status, body } = await running.call('POST', '/users', person);
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'invalid-request', errors: [{ pointer }] });
    });
  });

  describe('POST /sessions', () => {
    const composed = 'Gr\u00fcnkohl im Garten';
    const inParts = 'Gru\u0308nkohl im Garten';

    it('treats the same characters as the same password, whatever keyboard sends them', async () => {
      const people = [
        await running.register({ password: composed }),
        await running.register({ password: inParts }),
      ];
      for (const { user } of people)
        for (const typed of [composed, inParts])
          expect((await running.signIn(user.email, typed)).user.id).toBe(user.id);
    });

    it('accepts a password that was hashed before normalization, and replaces its hash once for parallel sign-ins', async () => {
      const { user } = await running.register({ password: composed });
      const typed = await hash(inParts, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
      await query(running.database.url, 'UPDATE users SET password_hash = $2 WHERE id = $1', [
        user.id,
        typed,
      ]);
      const signIn = (secret: string) =>
        running.call('POST', '/sessions', { email: user.email, password: secret });
      expect((await signIn(composed)).status).toBe(401);
      const lock = `SELECT 1 FROM users WHERE id = '${user.id}' FOR UPDATE`;
      const answers = await holdUntilOthersWait(running.database.url, lock, 2, () =>
        Promise.all([signIn(inParts), signIn(inParts)]),
      );
      expect(answers.map(({ status }) => status)).toEqual([201, 201]);
      for (const secret of [inParts, composed]) expect((await signIn(secret)).status).toBe(201);
    });

    it('signs in, and answers a wrong password like an unknown email', async () => {
      const { user } = await running.register({ email: 'sign@example.com', password: 'battery staple' });
      const good = await running.call<SignedIn>('POST', '/sessions', {
        email: 'Sign@example.com',
        password: 'battery staple',
      });
      expect(good).toMatchObject({ status: 201, body: { user: { id: user.id } } });
      const wrong = await running.call('POST', '/sessions', {
        email: 'sign@example.com',
        password: 'battery',
      });
      const unknown = await running.call('POST', '/sessions', {
        email: 'nobody@example.com',
        password: 'battery',
      });
      expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
      expect(unknown).toMatchObject({ status: wrong.status, body: wrong.body });
    });
  });

  describe('POST /sessions/refresh', () => {
    const refresh = (refreshToken: string) =>
      running.call<SignedIn>('POST', '/sessions/refresh', { refreshToken });

    it('gives a successor, and the same one to parallel repeats', async () => {
      const first = await running.register();
      const [sessionId] = first.refreshToken.split('.');
      const lock = `SELECT 1 FROM sessions WHERE id = '${sessionId}' FOR UPDATE`;
      const answers = await holdUntilOthersWait(running.database.url, lock, 3, () =>
        Promise.all([1, 2, 3].map(() => refresh(first.refreshToken))),
      );
      expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
      const successors = new Set(answers.map((answer) => answer.body.refreshToken));
      expect(successors.size).toBe(1);
      expect(successors).not.toContain(first.refreshToken);
      const { sid } = decodeJwt(first.accessToken);
      for (const { body } of answers) expect(decodeJwt(body.accessToken).sid).toBe(sid);
    });

    it('refuses forged tokens without harm to the session that they name', async () => {
      const first = await running.register();
      const [id, , mac] = first.refreshToken.split('.');
      for (const forged of [`${id}.2.${mac}`, `${id}.1.${'A'.repeat(43)}`, 'rubbish', `${id}.1`]) {
        expect(await refresh(forged)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      }
      expect((await refresh(first.refreshToken)).status).toBe(200);
    });
  });

  it('DELETE /sessions/current signs out', async () => {
    const { accessToken, refreshToken } = await running.register();
    expect(await running.call('DELETE', '/sessions/current', undefined, accessToken)).toMatchObject({
      status: 204,
      body: undefined,
    });
    const { status, body } = await running.call('POST', '/sessions/refresh', { refreshToken });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'session-revoked' });
    const again = await running.call('DELETE', '/sessions/current', undefined, accessToken);
    expect(again).toMatchObject({ status: 401, body: { code: 'session-revoked' } });
  });

  it('PATCH /users/me changes the profile, increments the version and publishes the change', async () => {
    const { user, accessToken } = await running.register();
    const names = ['One', 'Two'];
    for (const displayName of names) await running.call('PATCH', '/users/me', { displayName }, accessToken);
    const me = await running.call<User>('GET', '/users/me', undefined, accessToken);
    expect(me).toMatchObject({ status: 200, body: { ...user, displayName: 'Two', version: 3 } });
    await eventually(() => {
      const heard = ['user.registered', 'user.updated'].flatMap((type) => running.heard(type, user.id));
      expect(heard.map((event) => event.entityversion).sort()).toEqual([1, 2, 3]);
    });
    const empty = await running.call('PATCH', '/users/me', {}, accessToken);
    expect(empty).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect(await running.call('GET', '/users/me')).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
  });

  it('PATCH /users/me without a difference writes and publishes nothing', async () => {
    const { user, accessToken } = await running.register({ locale: 'de' });
    const same = { displayName: ` ${user.displayName} `, locale: 'de' };
    const answer = await running.call<User>('PATCH', '/users/me', same, accessToken);
    expect(answer).toMatchObject({ status: 200, body: user });
    const partly = { ...same, timeZone: 'Europe/Vienna' };
    const changed = await running.call<User>('PATCH', '/users/me', partly, accessToken);
    expect(changed.body).toEqual({ ...user, timeZone: 'Europe/Vienna', version: 2 });
    await eventually(() => expect(running.heard('user.updated', user.id)).toHaveLength(1));
  });

  it('PATCH /users/me is limited for one user, so that nobody fills the outbox', async () => {
    const [own, other] = [await running.register(), await running.register()];
    const rename = (index: number, { accessToken }: SignedIn) =>
      running.call('PATCH', '/users/me', { displayName: `Name ${index}` }, accessToken);
    const answers = await Promise.all(Array.from({ length: 31 }, (_, index) => rename(index, own)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toMatchObject([{ body: { code: 'rate-limited', temporary: true } }]);
    expect((await rename(0, other)).status).toBe(200);
  });

  it('loses no version to parallel changes', async () => {
    const { user, accessToken } = await running.register();
    const changes = ['A', 'B', 'C', 'D'].map((displayName) =>
      running.call<User>('PATCH', '/users/me', { displayName }, accessToken),
    );
    const versions = (await Promise.all(changes)).map((answer) => answer.body.version);
    expect(versions.sort()).toEqual([2, 3, 4, 5]);
    expect((await running.call<User>('GET', '/users/me', undefined, accessToken)).body.version).toBe(
      user.version + 4,
    );
  });

  it('POST /users/lookup finds users by email for signed-in callers', async () => {
    const ann = await running.register({ email: 'find.me@example.com', displayName: 'Findable' });
    const asked = { email: ' Find.Me@example.com' };
    expect(await running.call('POST', '/users/lookup', asked)).toMatchObject({ status: 401 });
    const found = await running.call('POST', '/users/lookup', asked, ann.accessToken);
    expect(found).toMatchObject({ status: 200, body: { id: ann.user.id, displayName: 'Findable' } });
    const nobody = await running.call('POST', '/users/lookup', { email: 'no@example.com' }, ann.accessToken);
    expect(nobody).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });

  it('POST /users/lookup is limited, so that nobody tries many emails', async () => {
    const { accessToken } = await running.register();
    const other = await running.register();
    const look = (token: string) => running.call('POST', '/users/lookup', { email: 'no@example.com' }, token);
    const answers = await Promise.all(Array.from({ length: 31 }, () => look(accessToken)));
    const refused = answers.filter((answer) => answer.status === 429);
    expect(refused).toMatchObject([{ status: 429, body: { code: 'rate-limited', temporary: true } }]);
    expect(await look(other.accessToken)).toMatchObject({ status: 404 });
  });
});
