import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { eventually } from '@warren/testing';
import type { PasswordResetRequested } from '@warren/user-contract';
import { mailboxOf, newEmail, normalizeEmail } from '../src/domain/email.js';
import { query } from './support/query.js';
import { password, type Running, runUserService, type SignedIn } from './support/service.js';

const minute = 60_000;
const hour = 60 * minute;

describe('the mailbox', () => {
  it.each([
    ['ada@example.org', 'ada@example.org'],
    ['ada+news@example.org', 'ada@example.org'],
    ['ada+a+b@example.org', 'ada@example.org'],
    ['+ada@example.org', '+ada@example.org'],
    ['a.da@example.org', 'a.da@example.org'],
    ['a.d.a+x@gmail.com', 'ada@gmail.com'],
    ['a.da@googlemail.com', 'ada@gmail.com'],
  ])('of %s is %s', (address, mailbox) => expect(mailboxOf(address)).toBe(mailbox));
});

describe('an address to which no mail can be sent', () => {
  const tooLong = `${'a'.repeat(65)}@example.org`;
  it('is refused for a new account, and accepted for an existing one', () => {
    expect(() => newEmail(tooLong)).toThrow(
      expect.objectContaining({ errors: [{ pointer: '/email', code: 'local-part' }] }),
    );
    expect(normalizeEmail(tooLong)).toBe(tooLong);
    expect(newEmail(tooLong.slice(1))).toBe(tooLong.slice(1));
  });
});

describe('mails', () => {
  let running: Running;
  let networks = 0;
  beforeAll(async () => {
    running = await runUserService({
      env: { TRUST_PROXY: 'on', REGISTRATIONS_PER_MINUTE: '1000', MAILS_PER_HOUR: '80' },
    });
  });
  afterAll(() => running.close());

  const newNetwork = () => ({ 'x-forwarded-for': `198.51.100.${++networks}` });
  const registerAt = (email: string, from: Record<string, string>) =>
    running.call<SignedIn>('POST', '/users', { email, password, displayName: 'Ann' }, undefined, from);
  const mailsTo = (mailbox: string, type = 'user.email-verification-requested') =>
    running.events.filter((event) => event.type === type && mailboxOf(addressOf(event)) === mailbox);
  const addressOf = ({ data }: DomainEvent) => (data as PasswordResetRequested).email;
  const heardOf = (email: string) =>
    eventually(() => {
      const told = running.events.some(
        ({ type, data }) => type === 'user.registered' && (data as { email: string }).email === email,
      );
      expect(told).toBe(true);
    });

  it('are limited to three for registrations with tags of one address, however many accounts there are', async () => {
    const from = newNetwork();
    for (let tag = 0; tag < 60; tag += 1)
      expect((await registerAt(`victim+${tag}@example.org`, from)).status).toBe(201);
    await heardOf('victim+59@example.org');
    expect(mailsTo('victim@example.org')).toHaveLength(3);
    const elsewhere = newNetwork();
    expect((await registerAt('victim+60@example.org', elsewhere)).status).toBe(201);
    await heardOf('victim+60@example.org');
    expect(mailsTo('victim@example.org')).toHaveLength(3);
  });

  it('to tagged addresses of a mailbox do not use up the limit of the address without a tag', async () => {
    const from = newNetwork();
    for (let tag = 0; tag < 5; tag += 1) await registerAt(`owner+${tag}@example.org`, from);
    expect((await registerAt('owner@example.org', newNetwork())).status).toBe(201);
    await eventually(() =>
      expect(mailsTo('owner@example.org').map(addressOf)).toContain('owner@example.org'),
    );
    const ask = (email: string) => running.call('POST', '/password-resets', { email }, undefined, from);
    for (let tag = 0; tag < 5; tag += 1) expect((await ask(`owner+${tag}@example.org`)).status).toBe(202);
    expect((await ask('owner@example.org')).status).toBe(202);
    await eventually(() => {
      const resets = mailsTo('owner@example.org', 'user.password-reset-requested').map(addressOf);
      expect(resets.filter((email) => email === 'owner@example.org')).toHaveLength(1);
      expect(resets).toHaveLength(4);
    });
  });

  it('to tagged addresses of a mailbox do not use up the limit of a verified address', async () => {
    const from = newNetwork();
    const { body } = await registerAt('proven+own@example.org', newNetwork());
    await query(running.database.url, 'UPDATE users SET email_verified = true WHERE id = $1', [body.user.id]);
    const ask = (email: string) => running.call('POST', '/password-resets', { email }, undefined, from);
    for (let tag = 0; tag < 4; tag += 1) {
      await registerAt(`proven+${tag}@example.org`, from);
      await ask(`proven+${tag}@example.org`);
    }
    await ask('proven+own@example.org');
    await eventually(() =>
      expect(running.heard('user.password-reset-requested', body.user.id)).toHaveLength(1),
    );
  });

  it('are limited for one network within an hour over all addresses, while users can still register', async () => {
    const from = newNetwork();
    let registered: SignedIn | undefined;
    for (let each = 0; each < 81; each += 1) {
      const { status, body } = await registerAt(`somebody${each}@example.org`, from);
      expect(status).toBe(201);
      registered = body;
    }
    await heardOf('somebody80@example.org');
    const mailed = running.events.filter(
      (event) =>
        event.type === 'user.email-verification-requested' && addressOf(event).startsWith('somebody'),
    );
    expect(mailed).toHaveLength(80);
    const ask = () => running.call('POST', '/email-verifications', undefined, registered?.accessToken, from);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    running.clock.advance(hour + 1_000);
    const { body } = await running.call<SignedIn>('POST', '/sessions', {
      email: 'somebody80@example.org',
      password,
    });
    registered = body;
    expect((await ask()).status).toBe(202);
  });
});

describe('the existence of an account', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService({ env: { TRUST_PROXY: 'on' } });
  });
  afterAll(() => running.close());

  const registerAt = (email: string, address: string) =>
    running.call('POST', '/users', { email, password, displayName: 'Ann' }, undefined, {
      'x-forwarded-for': address,
    });

  it('is revealed to one network at most twenty times within an hour', async () => {
    const { email } = (await running.register()).user;
    for (let told = 0; told < 20; told += 1)
      expect(await registerAt(email, '192.0.2.1')).toMatchObject({
        status: 409,
        body: { code: 'email-taken' },
      });
    for (const address of [email, 'nobody-yet@example.org']) {
      const refused = await registerAt(address, '192.0.2.1');
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited', temporary: true } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    }
    expect((await registerAt('somebody-new@example.org', '192.0.2.2')).status).toBe(201);
    running.clock.advance(hour + 1_000);
    expect((await registerAt('nobody-yet@example.org', '192.0.2.1')).status).toBe(201);
  });
});
