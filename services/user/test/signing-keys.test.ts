import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryEventBus, type EventBus } from '@warren/event-bus';
import { migrateDatabase } from '@warren/service-kit';
import { type TestDatabase, testDatabase } from '@warren/testing';
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { holdUntilOthersWait } from './support/locks.js';
import { type SignedIn, startUserService } from './support/service.js';

describe('signing keys', () => {
  let database: TestDatabase;
  let bus: EventBus;
  beforeEach(async () => {
    database = await testDatabase();
    bus = createMemoryEventBus();
  });
  afterEach(async () => {
    await bus.close();
    await database.close();
  });

  const keysOf = async (url: string) =>
    (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;

  it('are made once by instances that start at the same moment, and are published without the private part', async () => {
    await migrateDatabase({ url: database.url, prisma: new URL('../prisma/', import.meta.url) });
    const noInserts = 'LOCK TABLE signing_keys IN SHARE MODE';
    const services = await holdUntilOthersWait(database.url, noInserts, 3, () =>
      Promise.all([1, 2, 3].map(() => startUserService(database, bus))),
    );
    try {
      const [first, ...others] = await Promise.all(services.map((service) => keysOf(service.url)));
      expect(first?.keys).toHaveLength(1);
      expect(first?.keys[0]).not.toHaveProperty('d');
      for (const other of others) expect(other).toEqual(first);
    } finally {
      await Promise.all(services.map((service) => service.stop()));
    }
  });

  it('survive a restart, so that a token stays valid on every instance', async () => {
    const before = await startUserService(database, bus);
    const response = await fetch(`${before.url}/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'a@example.com', password: 'correct horse', displayName: 'A' }),
    });
    const { accessToken } = (await response.json()) as SignedIn;
    await before.stop();
    const after = await startUserService(database, bus);
    try {
      const me = await fetch(`${after.url}/users/me`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      expect(me.status).toBe(200);
      expect((await keysOf(after.url)).keys.map((key) => key.kid)).toEqual([
        decodeProtectedHeader(accessToken).kid,
      ]);
    } finally {
      await after.stop();
    }
  });
});
