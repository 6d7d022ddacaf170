import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionRevoked } from '@warren/contracts';
import { encoded, tokenFor } from '@warren/service-testing';
import { v7 as uuidv7 } from 'uuid';
import { forgetRevokedSessions, rememberRevoked } from '../src/store/revoked-sessions.js';
import { Browser } from './support/push-service.js';
import { startTimeout, World } from './support/service.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
}, startTimeout);
afterAll(() => world.close());

const someEndpoint = () => `https://push.example.org/${uuidv7()}`;

async function ask(userId: string, sessionId: string, method: string, path: string, body?: unknown) {
  const response = await fetch(`${world.service.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await tokenFor(userId, [], sessionId)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> };
}

const subscribe = (userId: string, sessionId: string, endpoint = someEndpoint(), browser = new Browser()) =>
  ask(userId, sessionId, 'POST', '/push-subscriptions', { endpoint, keys: browser.keys });

function revocation(userId: string, sessionId: string, tokensEndAt = new Date(Date.now() + 600_000)) {
  const data: SessionRevoked = {
    sessionId,
    userId,
    reason: 'revoked',
    revokedAt: new Date().toISOString(),
    tokensEndAt: tokensEndAt.toISOString(),
  };
  return encoded({ type: 'user.session-revoked', subject: sessionId, version: 1, data });
}

const endpointsOf = async (userId: string) =>
  (await world.client.pushSubscription.findMany({ where: { userId } })).map(({ endpoint }) => endpoint);

describe('a session that ends', () => {
  it('ends its own subscriptions, and not those of other sessions', async () => {
    const ada = await world.register('Ada');
    const [own, stolen] = [uuidv7(), uuidv7()];
    const [ownEndpoint, thief] = [someEndpoint(), someEndpoint()];
    await subscribe(ada, own, ownEndpoint);
    await subscribe(ada, stolen, thief);
    await world.bus.publish(revocation(ada, stolen));
    expect(await endpointsOf(ada)).toEqual([ownEndpoint]);
  });

  it('cannot subscribe with a token that is still valid', async () => {
    const ada = await world.register('Ada');
    const stolen = uuidv7();
    await world.bus.publish(revocation(ada, stolen));
    expect((await subscribe(ada, stolen)).body.code).toBe('session-revoked');
    expect(await endpointsOf(ada)).toEqual([]);
  });

  it('cannot subscribe even if only another instance knows of its end', async () => {
    const [ada, stolen] = [await world.register('Ada'), uuidv7()];
    await rememberRevoked(world.client, stolen, new Date(Date.now() + 600_000));
    expect((await ask(ada, stolen, 'GET', '/push-subscriptions')).status).toBe(200);
    expect((await subscribe(ada, stolen)).body.code).toBe('session-revoked');
    expect(await endpointsOf(ada)).toEqual([]);
  });

  it('does not end the subscription of a later session in the same browser when its event is repeated', async () => {
    const ada = await world.register('Ada');
    const [first, second, endpoint, browser] = [uuidv7(), uuidv7(), someEndpoint(), new Browser()];
    await subscribe(ada, first, endpoint, browser);
    await subscribe(ada, second, endpoint, browser);
    const event = revocation(ada, first);
    await world.bus.publish(event);
    await world.client.$executeRaw`DELETE FROM messaging.inbox`;
    await world.bus.publish(event);
    expect(await endpointsOf(ada)).toEqual([endpoint]);
    expect(world.bus.deadLetters).toEqual([]);
  });

  it('and subscribes at the same time leaves no subscription, whichever is first', async () => {
    const ada = await world.register('Ada');
    for (let round = 0; round < 20; round += 1) {
      const session = uuidv7();
      const [{ status }] = await Promise.all([
        subscribe(ada, session),
        world.bus.publish(revocation(ada, session)),
      ]);
      expect([201, 401]).toContain(status);
      expect(await endpointsOf(ada)).toEqual([]);
    }
  });

  it('ends its person’s subscriptions with an unknown session, and nobody else’s', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    for (const person of [ada, grace]) await subscribe(person, uuidv7());
    await world.client.pushSubscription.updateMany({ data: { sessionId: null } });
    await world.bus.publish(revocation(ada, uuidv7()));
    expect([await endpointsOf(ada), (await endpointsOf(grace)).length]).toEqual([[], 1]);
  });

  it('is remembered while one of its tokens may be valid, and no longer', async () => {
    const [ada, old, recent] = [await world.register('Ada'), uuidv7(), uuidv7()];
    await world.bus.publish(revocation(ada, old, new Date(Date.now() - 3_700_000)));
    await world.bus.publish(revocation(ada, recent, new Date()));
    expect(await forgetRevokedSessions(world.client, 100)).toBe(1);
    const left = await world.client.revokedSession.findMany({ where: { id: { in: [old, recent] } } });
    expect(left.map(({ id }) => id)).toEqual([recent]);
  });
});

describe('a person', () => {
  it('sees which browsers get pushes, without their endpoints, and removes them by id', async () => {
    const [ada, eve] = [await world.register('Ada'), await world.register('Eve')];
    const ids = [(await subscribe(ada, uuidv7())).body.id, (await subscribe(ada, uuidv7())).body.id];
    const listed = async () => (await world.http(ada, 'GET', '/push-subscriptions')).body.items;
    expect(await listed()).toEqual(
      [...ids].reverse().map((id) => ({
        id,
        origin: 'https://push.example.org',
        createdAt: expect.stringMatching(/Z$/),
      })),
    );
    expect((await world.http(eve, 'GET', '/push-subscriptions')).body.items).toEqual([]);
    const end = (userId: string) => world.http(userId, 'DELETE', `/push-subscriptions/${ids[0]}`);
    expect((await end(eve)).body.code).toBe('not-found');
    expect((await end(ada)).status).toBe(204);
    expect((await end(ada)).status).toBe(404);
    expect((await listed()).map(({ id }) => id)).toEqual([ids[1]]);
  });
});
