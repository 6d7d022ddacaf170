import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { eventually } from '@warren/testing';
import type { PasswordResetRequested } from '@warren/user-contract';
import { mailboxOf, newEmail, normalizeEmail } from '../src/domain/email.js';
import { query } from './query.js';
import { password, type Running, runUserService, type SignedIn } from './running.js';

const minute = 60_000;
const hour = 60 * minute;

describe('a mailbox', () => {
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

describe('an address that can’t be mailed', () => {
  const tooLong = `${'a'.repeat(65)}@example.org`;
  it('is refused where an account would keep it, and known where one keeps it already', () => {
    expect(() => newEmail(tooLong)).toThrow(
      expect.objectContaining({ errors: [{ pointer: '/email', code: 'local-part' }] }),
    );
    expect(normalizeEmail(tooLong)).toBe(tooLong);
    expect(newEmail(tooLong.slice(1))).toBe(tooLong.slice(1));
  });
});

describe('mails that somebody causes', () => {
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

  it('by registering with tags of one address are three, however many accounts', async () => {
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

  it('for other addresses of a mailbox keep none from its own one', async () => {
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

  it('for other addresses of a mailbox keep none from one that is proven', async () => {
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

  it('from one network are so many within an hour, to whatever addresses; people still register', async () => {
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

describe('who has an account', () => {
  let running: Running;
  beforeAll(async () => {
    running = await runUserService({ env: { TRUST_PROXY: 'on' } });
  });
  afterAll(() => running.close());

  const registerAt = (email: string, address: string) =>
    running.call('POST', '/users', { email, password, displayName: 'Ann' }, undefined, {
      'x-forwarded-for': address,
    });

  it('is told to one network twenty times within an hour; after that no address is looked at', async () => {
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
