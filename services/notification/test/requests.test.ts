import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noticeRequest, securityAlert } from '@warren/notification-contract';
import { defineNoticeKind } from '@warren/notification-contract/notices';
import { encoded, userEvent } from '@warren/service-testing';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

function requested(data: unknown, service = 'user') {
  const event = encoded({ type: 'notification.requested', subject: uuidv7(), version: 1, data });
  return { ...event, body: JSON.stringify({ ...JSON.parse(event.body), source: `/services/${service}` }) };
}

const at = '2026-03-01T23:30:00.000Z';
const alert = (userId: string, what = 'password-changed') =>
  noticeRequest(securityAlert, userId, { what, at });

/** A kind of a service that the notification service doesn't know. */
const outbid = defineNoticeKind({
  kind: 'auction-outbid',
  values: {
    auctionId: 'id',
    bidderId: 'person',
    bid: { money: 'currency' },
    currency: 'text',
    bids: 'count',
    endsAt: 'time',
  },
  texts: {
    en: {
      title: 'You were outbid',
      body: '{bidderId} bid {bid}. You have {bids, plural, one {# bid} other {# bids}} left until {endsAt}.',
    },
    de: { title: 'Du wurdest überboten', body: '{bidderId} bietet {bid}. Das Ende ist am {endsAt}.' },
  },
  channels: { email: true, push: false },
  path: '/auctions/{auctionId}',
});

const outbidValues = (bidderId: string) => ({
  auctionId: uuidv7(),
  bidderId,
  bid: 1250,
  currency: 'JPY',
  bids: 1,
  endsAt: at,
});

const newest = async (userId: string) => (await world.inbox(userId))[0];
const dataOf = (userId: string, changes: object = {}) => ({
  ...noticeRequest(outbid, userId, outbidValues(userId)),
  ...changes,
});

describe('notification.requested', () => {
  it('writes in the language, locale and time zone of the reader', async () => {
    const ada = await world.register('Ada', { locale: 'en-US', timeZone: 'America/New_York' });
    const grace = await world.register('Grace', { locale: 'de-AT', timeZone: 'Europe/Vienna' });
    for (const person of [ada, grace]) await world.bus.publish(requested(alert(person)));
    expect(await newest(ada)).toMatchObject({
      kind: 'security-alert',
      title: 'Security alert',
      body: expect.stringMatching(/^Your password was changed: March 1, 2026 at 6:30.PM EST\. /),
      data: { what: 'password-changed', at },
    });
    expect(await newest(grace)).toMatchObject({
      title: 'Sicherheitshinweis',
      body: expect.stringMatching(/^Dein Passwort wurde geändert: 2\. März 2026 um 00:30 MEZ\. /),
    });
  });

  it('describes a security event that this build does not know in general words', async () => {
    const ada = await world.register('Ada');
    await world.bus.publish(requested(alert(ada, 'keys-rotated')));
    expect((await newest(ada))?.body).toMatch(/^The security of your account changed: /);
  });

  it('ignores values that only a newer producer sends', async () => {
    const ada = await world.register('Ada');
    const { kind, values } = alert(ada);
    await world.bus.publish(requested({ userId: ada, kind, values: { ...values, device: 'phone' } }));
    expect((await newest(ada))?.data).toEqual({ what: 'password-changed', at });
  });

  it('writes a notice of a kind that the requesting service defines', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace', { locale: 'de' })];
    const values = outbidValues(grace);
    await world.bus.publish(requested(noticeRequest(outbid, ada, values), 'auction'));
    expect(await newest(ada)).toMatchObject({
      kind: 'auction-outbid',
      title: 'You were outbid',
      body: expect.stringMatching(
        /^Grace bid ¥1,250\. You have 1 bid left until March 1, 2026 at 11:30.PM UTC\.$/,
      ),
      data: values,
    });
    const [mail] = await world.client.delivery.findMany({ where: { userId: ada, kind: 'auction-outbid' } });
    expect(mail).toMatchObject({
      channel: 'email',
      content: { subject: 'You were outbid', path: `/auctions/${values.auctionId}` },
    });
    await world.bus.publish(requested(noticeRequest(outbid, grace, outbidValues(ada)), 'auction'));
    expect(await newest(grace)).toMatchObject({ title: 'Du wurdest überboten' });
  });

  it('writes English, and names in English quotes, where a kind has no texts in the language', async () => {
    const { texts, ...rest } = outbid.definition ?? { texts: undefined };
    const definition = { ...rest, texts: { en: texts?.en } };
    const grace = await world.register('Grace', { locale: 'de' });
    await world.bus.publish(requested(dataOf(grace, { definition }), 'auction'));
    const mail = await world.client.delivery.findFirstOrThrow({
      where: { userId: grace, kind: 'auction-outbid' },
    });
    expect(mail.content).toMatchObject({
      language: 'en',
      paragraphs: [expect.stringMatching(/^“Grace” bid /)],
    });
  });

  it('adds the kind to everybody’s preferences, which decide about its deliveries', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await world.bus.publish(requested(dataOf(ada), 'auction'));
    const { body } = await world.http(grace, 'GET', '/preferences');
    expect(body.items).toContainEqual({
      kind: 'auction-outbid',
      locked: false,
      channels: { 'in-app': true, email: true, push: false },
    });
    const items = [{ kind: 'auction-outbid', channels: { email: false } }];
    expect((await world.http(grace, 'PUT', '/preferences', { items })).status).toBe(200);
    await world.bus.publish(requested(dataOf(grace), 'auction'));
    expect((await newest(grace))?.kind).toBe('auction-outbid');
    expect(await world.client.delivery.count({ where: { userId: grace, kind: 'auction-outbid' } })).toBe(0);
  });

  it('takes the defaults of a kind from its newest definition', async () => {
    const ada = await world.register('Ada');
    const definition = { ...outbid.definition, channels: { email: false, push: false } };
    const changed = dataOf(ada, { kind: 'auction-won', definition });
    await world.bus.publish(requested({ ...changed, definition: outbid.definition }, 'auction'));
    await world.bus.publish(requested(changed, 'auction'));
    const { body } = await world.http(ada, 'GET', '/preferences');
    expect(body.items).toContainEqual({
      kind: 'auction-won',
      locked: false,
      channels: { 'in-app': true, email: false, push: false },
    });
  });

  it.each([
    ['values that do not fit', () => ({ values: { what: 'password-changed' } }), 'permanent'],
    ['a time that is none', () => ({ values: { what: 'password-changed', at: 'noon' } }), 'permanent'],
    ['text that no database holds', () => ({ values: { what: '\u0000', at } }), 'schema'],
  ])('is a dead letter at once, and writes no notice, for %s', async (_, changes, reason) => {
    const ada = await world.register('Ada');
    const event = requested({ ...alert(ada), ...changes() });
    await expect(world.bus.publish(event)).rejects.toThrow(`after 1 attempts: ${reason}`);
    expect(await world.inbox(ada)).toHaveLength(1);
  });

  const text = (body: string) => ({
    definition: { ...outbid.definition, texts: { en: { title: 'x', body } } },
  });
  /** One more value. */
  const note = (value: unknown, type: unknown = 'text', name = 'note') => ({
    values: { ...outbidValues(uuidv7()), [name]: value },
    definition: { ...outbid.definition, values: { ...outbid.definition?.values, [name]: type } },
  });
  const withPath = (path: string) => ({ definition: { ...outbid.definition, path } });
  const longPath = () => {
    const { values, definition } = note('/'.repeat(500));
    return { values, definition: { ...definition, path: '/{note}' } };
  };
  it.each([
    ['the kind of another service', { kind: 'payment-outbid' }, 'permanent'],
    ['a kind of the notification service', { kind: 'security-alert' }, 'permanent'],
    [
      'an amount without a currency',
      { values: { ...outbidValues(uuidv7()), currency: 'euro' } },
      'permanent',
    ],
    ['a text that does not parse', text('{bid'), 'permanent'],
    ['a text with an argument that is no value', text('{secret}'), 'permanent'],
    ['a plural of what is no count', text('{endsAt, plural, other {#}}'), 'permanent'],
    ['a choice by what is no code', text('{endsAt, select, other {x}}'), 'permanent'],
    ['a text with a format of its own', text('{endsAt, date}'), 'permanent'],
    ['a path with an unknown value', withPath('/{secret}'), 'permanent'],
    ['a path to another host', withPath('//evil.example'), 'schema'],
    ['a path that is too long', longPath(), 'permanent'],
    ['a path with a character that no database holds', withPath('/\u0000'), 'schema'],
    ['a text that shows an id', text('{auctionId}'), 'permanent'],
    ['an amount whose currency is no text', note(1, { money: 'bids' }), 'permanent'],
    ['a value with a name in another case', note('x', 'text', 'room-id'), 'schema'],
    ['a value without a type', note('x', null), 'schema'],
    ['a path with a backslash', withPath('/\\evil.example'), 'schema'],
    ['a definition without English texts', { definition: { ...outbid.definition, texts: {} } }, 'schema'],
  ])('is a dead letter at once, and writes no notice, for %s', async (_, changes, reason) => {
    const ada = await world.register('Ada');
    const event = requested(dataOf(ada, changes), 'auction');
    await expect(world.bus.publish(event)).rejects.toThrow(`after 1 attempts: ${reason}`);
    expect(await world.inbox(ada)).toHaveLength(1);
  });

  it('is a dead letter for the hundred-and-first kind of a service', async () => {
    const ada = await world.register('Ada');
    await world.client.noticeKind.createMany({
      data: Array.from({ length: 100 }, (_, n) => ({
        kind: `shop-kind-${n}`,
        service: 'shop',
        email: true,
        push: false,
      })),
    });
    const event = (kind: string) => requested(dataOf(ada, { kind }), 'shop');
    await expect(world.bus.publish(event('shop-one-more'))).rejects.toThrow('after 1 attempts: permanent');
    await world.bus.publish(event('shop-kind-7'));
    expect((await world.inbox(ada)).map(({ kind }) => kind)).toEqual(['shop-kind-7', 'welcome']);
  });

  it('is a dead letter for a kind that another service with a longer name has', async () => {
    const ada = await world.register('Ada');
    const kind = 'auction-house-sold';
    await world.bus.publish(requested(dataOf(ada, { kind }), 'auction-house'));
    const event = requested(dataOf(ada, { kind }), 'auction');
    await expect(world.bus.publish(event)).rejects.toThrow('after 1 attempts: permanent');
  });

  it.each(['of-tomorrow', 'password-reset', 'payment-received'])(
    'is retried for the kind %s without a definition, since a newer build may have it',
    async (kind) => {
      const ada = await world.register('Ada');
      const event = requested({ userId: ada, kind, values: {} });
      await expect(world.bus.publish(event)).rejects.toThrow('after 4 attempts: retries-exhausted');
      expect(await world.client.delivery.count({ where: { userId: ada, kind } })).toBe(0);
    },
  );

  it('is accepted from any service that the broker lets publish it', async () => {
    const ada = await world.register('Ada');
    await world.bus.publish(requested(alert(ada), 'payment'));
    expect((await world.inbox(ada)).map(({ kind }) => kind)).toContain('security-alert');
  });

  it('waits for the copy of a person who is on their way', async () => {
    const ada = uuidv7();
    const published = world.bus.publish(requested(alert(ada, 'new-sign-in')));
    await world.bus.publish(userEvent('user.registered', ada, 1));
    await published;
    expect((await world.inbox(ada)).map(({ kind }) => kind).sort()).toEqual(['security-alert', 'welcome']);
  });
});

describe('defineNoticeKind', () => {
  it('refuses a text with an argument that is no value', () => {
    const { values, definition } = outbid;
    if (definition === undefined) throw new Error('A defined kind has a definition');
    const texts = { en: { title: '{nobody}', body: 'x' } };
    expect(() => defineNoticeKind({ ...definition, kind: 'auction-outbid', values, texts })).toThrow(
      'The kind of notice auction-outbid is not valid: en title: {nobody} is no value of the kind',
    );
  });
});
