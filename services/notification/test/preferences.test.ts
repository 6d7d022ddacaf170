import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent } from '@warren/service-testing';
import { v7 as uuidv7 } from 'uuid';
import { ownKinds } from '../src/domain/notices/own-kinds.js';
import { paymentEvent, startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

interface Item {
  kind: string;
  locked: boolean;
  channels: Record<string, boolean>;
}

async function preferences(userId: string): Promise<Item[]> {
  return (await world.http(userId, 'GET', '/preferences')).body.items as unknown as Item[];
}

const put = (userId: string, ...items: unknown[]) => world.http(userId, 'PUT', '/preferences', { items });

const channelsOf = async (userId: string, kind: string) =>
  (await preferences(userId)).find((item) => item.kind === kind)?.channels;

/** The channels on which this kind was delivered to the person. */
const channelsUsed = async (userId: string, kind: string) =>
  (await world.client.delivery.findMany({ where: { userId, kind }, orderBy: { channel: 'asc' } })).map(
    ({ channel }) => channel,
  );

describe('GET /preferences', () => {
  it('returns every kind that reaches an inbox, with its defaults', async () => {
    const items = await preferences(uuidv7());
    expect(items.map(({ kind, locked, channels }) => [kind, locked, channels])).toEqual(
      ownKinds
        .filter(({ reach }) => reach === 'inbox')
        .map(({ kind, locked, channels }) => [kind, locked, { 'in-app': true, ...channels }]),
    );
  });
});

describe('PUT /preferences', () => {
  it('changes what it names and leaves the rest', async () => {
    const ada = await world.register('Ada');
    await put(ada, { kind: 'payment-sent', channels: { email: true } });
    const { status, body } = await put(ada, { kind: 'payment-received', channels: { email: false } });
    expect(status).toBe(200);
    expect(body.items).toEqual(await preferences(ada));
    expect(await channelsOf(ada, 'payment-sent')).toEqual({ 'in-app': true, email: true, push: false });
    expect(await channelsOf(ada, 'payment-received')).toEqual({ 'in-app': true, email: false, push: true });
  });

  it('decides what is delivered; the inbox gets everything', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    await put(ada, { kind: 'payment-sent', channels: { email: true } });
    await put(grace, { kind: 'payment-received', channels: { email: false } });
    await world.bus.publish(paymentEvent('payment.succeeded', ada, grace));
    expect(await channelsUsed(ada, 'payment-sent')).toEqual(['email']);
    expect(await channelsUsed(grace, 'payment-received')).toEqual([]);
    expect((await world.inbox(grace))[0]?.kind).toBe('payment-received');
  });

  it.each([
    ['in-app', 'payment-sent', '/items/1/channels/in-app'],
    ['email', 'security-alert', '/items/1/channels/email'],
    ['push', 'security-alert', '/items/1/channels/push'],
  ])(
    'refuses to switch off %s of %s, and makes no other change of the request',
    async (channel, kind, pointer) => {
      const ada = await world.register('Ada');
      const other = { kind: 'payment-failed', channels: { email: false } };
      const { status, body } = await put(ada, other, { kind, channels: { [channel]: false } });
      expect([status, body.code, body.errors]).toEqual([
        422,
        'preference-locked',
        [{ pointer, code: 'preference-locked' }],
      ]);
      expect((await channelsOf(ada, 'payment-failed'))?.email).toBe(true);
    },
  );

  it('accepts what GET returned', async () => {
    const ada = await world.register('Ada');
    const items = (await preferences(ada)).map(({ kind, channels }) => ({ kind, channels }));
    expect((await put(ada, ...items)).status).toBe(200);
    expect((await preferences(ada)).map(({ kind, channels }) => ({ kind, channels }))).toEqual(items);
  });

  it('takes the last change of one kind and channel', async () => {
    const ada = await world.register('Ada');
    const change = (email: boolean) => ({ kind: 'payment-failed', channels: { email } });
    expect((await put(ada, change(true), change(false))).status).toBe(200);
    expect((await channelsOf(ada, 'payment-failed'))?.email).toBe(false);
  });

  it.each([
    [{ kind: 'nonsense', channels: {} }],
    [{ kind: 'password-reset', channels: { email: false } }],
    [{ kind: 'welcome', channels: { pigeon: true } }],
    [{ kind: 'welcome', channels: { email: 'yes' } }],
  ])('refuses %j', async (item) => {
    const { status, body } = await put(uuidv7(), item);
    expect([status, body.code]).toEqual([400, 'invalid-request']);
  });

  it('writes nothing for a deleted person whose token is still valid', async () => {
    const ada = await world.register('Ada');
    await world.bus.publish(deletedEvent(ada, 3));
    const { status, body } = await put(ada, { kind: 'welcome', channels: { email: false } });
    expect([status, body.code]).toEqual([401, 'session-revoked']);
    expect(await world.client.preference.count({ where: { userId: ada } })).toBe(0);
  });

  it('refuses a person too many changes a minute, and no other person', async () => {
    const [eve, grace] = [uuidv7(), uuidv7()];
    const answers = await Promise.all(Array.from({ length: 70 }, () => put(eve)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect((await put(grace)).status).toBe(200);
  });
});
