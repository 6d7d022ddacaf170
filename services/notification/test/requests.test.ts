import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noticeRequest, paymentReceived, securityAlert } from '@warren/notification-contract';
import { encoded, userEvent } from '@warren/service-testing';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

/** As the user service sends it. */
function requested(data: unknown, source = '/services/user') {
  const event = encoded({ type: 'notification.requested', subject: uuidv7(), version: 1, data });
  return { ...event, body: JSON.stringify({ ...JSON.parse(event.body), source }) };
}

const at = '2026-03-01T23:30:00.000Z';
const alert = (userId: string, what: 'password-changed' | 'new-sign-in' = 'password-changed') =>
  noticeRequest(securityAlert, userId, { what, at });

describe('notification.requested', () => {
  it('by any service that states it, tells in the language, locale and time zone of the reader', async () => {
    const ada = await world.register('Ada', { locale: 'en-US', timeZone: 'America/New_York' });
    const grace = await world.register('Grace', { locale: 'de-AT', timeZone: 'Europe/Vienna' });
    for (const person of [ada, grace]) await world.bus.publish(requested(alert(person)));
    expect((await world.inbox(ada))[0]).toMatchObject({
      kind: 'security-alert',
      title: 'Security alert',
      body: expect.stringMatching(/^Your password was changed: March 1, 2026 at 6:30.PM EST\. /),
      data: { what: 'password-changed', at },
    });
    expect((await world.inbox(grace))[0]).toMatchObject({
      title: 'Sicherheitshinweis',
      body: expect.stringMatching(/^Dein Passwort wurde geändert: 2\. März 2026 um 00:30 MEZ\. /),
    });
  });

  it('money and people are values like any other', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const values = { paymentId: uuidv7(), amount: 1250, currency: 'JPY', otherUserId: grace };
    await world.bus.publish(requested(noticeRequest(paymentReceived, ada, values)));
    expect((await world.inbox(ada))[0]).toMatchObject({
      body: 'You received ¥1,250 from Grace.',
      data: values,
    });
  });

  it('a code that this build does not know is told in general words', async () => {
    const ada = await world.register('Ada');
    const values = { what: 'keys-rotated', at };
    await world.bus.publish(requested({ userId: ada, kind: 'security-alert', values }));
    expect((await world.inbox(ada))[0]?.body).toMatch(/^The security of your account changed: /);
  });

  it('what a newer producer says beside is left out', async () => {
    const ada = await world.register('Ada');
    const { kind, values } = alert(ada);
    await world.bus.publish(requested({ userId: ada, kind, values: { ...values, device: 'phone' } }));
    expect((await world.inbox(ada))[0]?.data).toEqual({ what: 'password-changed', at });
  });

  it.each([
    ['values that do not fit', 'security-alert', { what: 'password-changed' }, 'permanent'],
    ['a time that is none', 'security-alert', { what: 'password-changed', at: 'noon' }, 'permanent'],
    ['text that no database holds', 'security-alert', { what: '\u0000', at }, 'schema'],
  ])('%s: a dead letter at once, and nobody is told', async (_, kind, values, reason) => {
    const ada = await world.register('Ada');
    const event = requested({ userId: ada, kind, values });
    await expect(world.bus.publish(event)).rejects.toThrow(`after 1 attempts: ${reason}`);
    expect(await world.inbox(ada)).toHaveLength(1);
  });

  it.each(['of-tomorrow', 'password-reset'])(
    '%s: not for this build; retried, since a newer one may know it',
    async (kind) => {
      const ada = await world.register('Ada');
      const event = requested({ userId: ada, kind, values: {} });
      await expect(world.bus.publish(event)).rejects.toThrow('after 4 attempts: retries-exhausted');
      expect(await world.client.delivery.count({ where: { userId: ada, kind } })).toBe(0);
    },
  );

  it('is accepted from any service that the broker lets publish it', async () => {
    const ada = await world.register('Ada');
    await world.bus.publish(requested(alert(ada), '/services/payment'));
    expect((await world.inbox(ada)).map(({ kind }) => kind)).toContain('security-alert');
  });

  it('waits for a person who is on their way', async () => {
    const ada = uuidv7();
    const published = world.bus.publish(requested(alert(ada, 'new-sign-in')));
    await world.bus.publish(userEvent('user.registered', ada, 1));
    await published;
    expect((await world.inbox(ada)).map(({ kind }) => kind).sort()).toEqual(['security-alert', 'welcome']);
  });
});
