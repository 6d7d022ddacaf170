import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import webPush from 'web-push';
import { Browser, type PushService, pushService, vapidClaims } from './support/push-service.js';
import { paymentEvent, startTimeout, World } from './support/service.js';

let push: PushService;
let world: World;
beforeAll(async () => {
  push = await pushService();
  world = await World.create({
    env: { PUSH_ALLOW_LOCAL: 'on', MAIL_FROM: 'hello@warren.example', WEB_URL: 'https://warren.example' },
    timing: { sendMs: 1_000 },
  });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await push.close();
});

const somePath = () => `/push/${uuidv7()}`;

function subscribe(userId: string, path: string, browser = new Browser()) {
  return world.http(userId, 'POST', '/push-subscriptions', {
    endpoint: push.origin + path,
    expirationTime: null,
    keys: browser.keys,
  });
}

/** Somebody pays this person. */
async function pay(recipientId: string) {
  await world.bus.publish(paymentEvent('payment.succeeded', await world.register('Ada'), recipientId));
}

const pushesOf = (userId: string) => world.client.delivery.findMany({ where: { userId, channel: 'push' } });
const subscriptionsOf = (userId: string) => world.client.pushSubscription.count({ where: { userId } });

describe('a push', () => {
  it('is encrypted for the browser, signed with the key that the browser subscribed with, and has the expected payload', async () => {
    const [grace, path, browser] = [await world.register('Grace'), somePath(), new Browser()];
    const { body: key } = await world.http(grace, 'GET', '/push-subscriptions/key');
    expect((await subscribe(grace, path, browser)).status).toBe(201);
    await pay(grace);
    await eventually(() => expect(push.at(path)).toHaveLength(1));
    const [pushed] = push.at(path);
    expect(pushed && browser.decrypt(pushed.body)).toEqual({
      id: (await pushesOf(grace))[0]?.id,
      kind: 'payment-received',
      title: 'Payment received',
      body: '€12.50 from “Ada”',
      url: expect.stringMatching(/^https:\/\/warren\.example\/payments\/[0-9a-f-]{36}$/),
    });
    expect(pushed && (() => new Browser().decrypt(pushed.body))).toThrow();
    const claims = await vapidClaims(pushed?.headers.authorization, String(key.publicKey));
    expect(claims).toMatchObject({ aud: push.origin, sub: 'mailto:hello@warren.example' });
    const [delivery] = await pushesOf(grace);
    expect(pushed?.headers).toMatchObject({
      topic: delivery?.id.replaceAll('-', ''),
      'content-encoding': 'aes128gcm',
    });
    expect(Number(pushed?.headers.ttl)).toBeGreaterThan(3_600);
  });

  it('goes to all browsers of the person, and to nobody else’s', async () => {
    const [grace, other] = [await world.register('Grace'), await world.register('Other')];
    const paths = [somePath(), somePath()];
    const elsewhere = somePath();
    for (const path of paths) await subscribe(grace, path);
    await subscribe(other, elsewhere);
    await pay(grace);
    await eventually(() => expect(paths.map((path) => push.at(path).length)).toEqual([1, 1]));
    expect(push.at(elsewhere)).toEqual([]);
  });

  it.each([404, 410])('that is answered with %i ends its subscription', async (status) => {
    const [grace, path] = [await world.register('Grace'), somePath()];
    await subscribe(grace, path);
    push.status = (at) => (at === path ? status : 201);
    await pay(grace);
    await eventually(async () => expect(await subscriptionsOf(grace)).toBe(0));
    await eventually(async () =>
      expect(await pushesOf(grace)).toMatchObject([{ outcome: 'given-up', failure: `http ${status}` }]),
    );
  });

  it.each([429, 500, 302])('that is answered with %i is tried again with the same topic', async (status) => {
    const [grace, path] = [await world.register('Grace'), somePath()];
    await subscribe(grace, path);
    push.status = (at) => (at === path && push.at(path).length === 1 ? status : 201);
    await pay(grace);
    await eventually(async () =>
      expect(await pushesOf(grace)).toMatchObject([{ failure: `http ${status}` }]),
    );
    await world.client.delivery.updateMany({
      where: { userId: grace, settledAt: null },
      data: { dueAt: new Date() },
    });
    await eventually(async () => expect(await pushesOf(grace)).toMatchObject([{ outcome: 'sent' }]));
    const [first, second, ...more] = push.at(path).map(({ headers }) => headers.topic);
    expect([first === second, more]).toEqual([true, []]);
    expect(push.at('/elsewhere')).toEqual([]);
  });

  it('does not wait for a mail server that is down', async () => {
    const down = await World.create({
      env: { PUSH_ALLOW_LOCAL: 'on', SMTP_URL: 'smtp://127.0.0.1:1' },
    });
    const grace = await down.register('Grace');
    const path = somePath();
    const body = { endpoint: push.origin + path, keys: new Browser().keys };
    await down.http(grace, 'POST', '/push-subscriptions', body);
    await down.bus.publish(paymentEvent('payment.succeeded', await down.register('Ada'), grace));
    await eventually(() => expect(push.at(path)).toHaveLength(1));
    const mails = await down.client.delivery.findMany({ where: { channel: 'email' } });
    expect(mails.map(({ outcome }) => outcome)).toEqual(mails.map(() => null));
    await down.close();
  });
});

describe('subscriptions', () => {
  it('exist once per endpoint, however often the browser subscribes', async () => {
    const [grace, path, browser] = [await world.register('Grace'), somePath(), new Browser()];
    const answers = [await subscribe(grace, path, browser), await subscribe(grace, path, browser)];
    expect(answers[0]).toEqual(answers[1]);
    expect(await subscriptionsOf(grace)).toBe(1);
  });

  it('are limited to twenty per person; a new one replaces the oldest', async () => {
    const grace = await world.register('Grace');
    const paths = Array.from({ length: 22 }, somePath);
    for (const path of paths) await subscribe(grace, path);
    const kept = await world.client.pushSubscription.findMany({ where: { userId: grace } });
    expect(kept.map(({ endpoint }) => endpoint.slice(push.origin.length)).sort()).toEqual(
      paths.slice(2).sort(),
    );
  });

  it('are taken over by a person who signs in on the browser, and by nobody who only knows the endpoint', async () => {
    const [grace, other, path, browser] = [
      await world.register('Grace'),
      await world.register('Other'),
      somePath(),
      new Browser(),
    ];
    await subscribe(grace, path, browser);
    expect((await subscribe(other, path)).body.code).toBe('forbidden');
    expect(await subscriptionsOf(grace)).toBe(1);
    expect((await subscribe(other, path, browser)).status).toBe(201);
    expect([await subscriptionsOf(grace), await subscriptionsOf(other)]).toEqual([0, 1]);
  });

  it('end with DELETE by their owner', async () => {
    const [grace, path] = [await world.register('Grace'), somePath()];
    await subscribe(grace, path);
    const end = (userId: string) =>
      world.http(userId, 'DELETE', '/push-subscriptions', { endpoint: push.origin + path });
    expect((await end(uuidv7())).status).toBe(204);
    expect(await subscriptionsOf(grace)).toBe(1);
    expect((await end(grace)).status).toBe(204);
    expect(await subscriptionsOf(grace)).toBe(0);
  });

  it('of a deleted person are deleted, and a token that is still valid makes no new one', async () => {
    const grace = await world.register('Grace');
    await subscribe(grace, somePath());
    await world.bus.publish(deletedEvent(grace, 3));
    expect((await subscribe(grace, somePath())).body.code).toBe('session-revoked');
    expect(await subscriptionsOf(grace)).toBe(0);
  });

  it.each([
    [{ p256dh: 'short', auth: new Browser().keys.auth }, '/keys/p256dh'],
    [{ p256dh: new Browser().keys.p256dh, auth: 'short' }, '/keys/auth'],
  ])('with malformed keys are refused', async (keys, pointer) => {
    const { status, body } = await world.http(uuidv7(), 'POST', '/push-subscriptions', {
      endpoint: push.origin + somePath(),
      keys,
    });
    expect([status, body.errors]).toEqual([400, [{ pointer, code: 'pattern' }]]);
  });

  it('with a key that is no point on the curve end at the first push', async () => {
    const [grace, path] = [await world.register('Grace'), somePath()];
    const keys = { ...new Browser().keys, p256dh: `B${'A'.repeat(86)}` };
    await world.http(grace, 'POST', '/push-subscriptions', { endpoint: push.origin + path, keys });
    await pay(grace);
    await eventually(async () => expect(await subscriptionsOf(grace)).toBe(0));
    expect(push.at(path)).toEqual([]);
  });
});

describe('VAPID settings', () => {
  const pair = webPush.generateVAPIDKeys();
  const starting = (env: Record<string, string>) =>
    World.create({ database: world.database, env: { PUSH_ALLOW_LOCAL: 'on', ...env } });

  it.each([
    [
      'keys that do not belong together',
      { privateKey: webPush.generateVAPIDKeys().privateKey },
      'VAPID_PRIVATE_KEY is not the private half',
    ],
    ['a malformed key', { privateKey: 'A'.repeat(43) }, 'VAPID_PRIVATE_KEY is not the private half'],
    ['a malformed address', { subject: 'https://no where' }, 'VAPID_SUBJECT must be'],
  ])(
    'with %s prevent the start, and name the wrong setting but not its value',
    async (_, changes, message) => {
      const { publicKey, privateKey, subject } = { ...pair, subject: 'mailto:a@example.org', ...changes };
      const env = { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject };
      const failed = starting(env).catch((error: Error) => error);
      expect(String(await failed)).toContain(message);
      expect(String(await failed)).not.toContain(privateKey);
    },
  );

  it('that are right are accepted', async () => {
    const { publicKey, privateKey } = pair;
    const right = await starting({ VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey });
    const { body } = await right.http(uuidv7(), 'GET', '/push-subscriptions/key');
    expect(body.publicKey).toBe(publicKey);
    await right.close();
  });
});

describe('VAPID keys', () => {
  it('are generated once, and are the same in every instance', async () => {
    const second = await World.create({ database: world.database });
    const [first, other] = [world, second].map((each) =>
      each.http(uuidv7(), 'GET', '/push-subscriptions/key'),
    );
    expect((await first)?.body.publicKey).toBe((await other)?.body.publicKey);
    await second.close();
  });

  it('are both set in the environment or neither', async () => {
    const VAPID_PUBLIC_KEY = new Browser().keys.p256dh;
    await expect(World.create({ database: world.database, env: { VAPID_PUBLIC_KEY } })).rejects.toThrow(
      'VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY go together',
    );
  });
});
