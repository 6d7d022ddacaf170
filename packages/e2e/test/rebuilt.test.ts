import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import pg from 'pg';
import { Person } from './support/person.js';
import { bodyOf, ofKind } from './support/story.js';
import { SeparateSystem } from './support/system.js';

describe('a service whose database is lost', () => {
  let system: SeparateSystem;
  let database: pg.Client;
  beforeAll(async () => {
    system = await SeparateSystem.start();
    database = new pg.Client({ connectionString: system.database('notification') });
    await database.connect();
  }, 120_000);
  afterAll(async () => {
    await database?.end();
    await system?.close();
  }, 60_000);

  const rows = async (sql: string) => (await database.query(sql)).rows;

  it('restores its copies by itself, including tombstones, and sends no mails about past events', async () => {
    const [ada, grace, eve] = [
      await Person.register(system, 'Ada'),
      await Person.register(system, 'Grace'),
      await Person.register(system, 'Eve'),
    ];
    expect((await ada.pay(grace, 100)).status).toBe(201);
    const deletion = { password: eve.password };
    expect((await eve.http('user', 'POST', '/users/me/deletion', deletion)).status).toBe(204);
    await eventually(async () => {
      expect(await rows('SELECT id FROM user_copies WHERE deleted')).toEqual([{ id: eve.id }]);
      expect(await rows(`SELECT 1 FROM notifications WHERE kind = 'payment-received'`)).toHaveLength(1);
    });
    const before = await rows('SELECT * FROM user_copies ORDER BY id');

    await system.kill('notification');
    await database.query('DROP SCHEMA public, messaging CASCADE; CREATE SCHEMA public');
    await system.restart('notification');

    await eventually(
      async () => {
        expect(await rows('SELECT source FROM messaging.copy WHERE completed_at IS NOT NULL')).toHaveLength(
          1,
        );
      },
      { within: 30_000 },
    );
    expect(await rows('SELECT * FROM user_copies ORDER BY id')).toEqual(before);
    expect(await rows('SELECT id FROM notifications')).toEqual([]);

    const hears = await grace.connect('notification');
    expect((await ada.pay(grace, 200)).status).toBe(201);
    const entry = await hears.entry('notification.created', ofKind('payment-received'));
    expect(bodyOf(entry)).toMatch(/Ada/);
    expect(hears.entries).toHaveLength(1);
    ada.leave();
    grace.leave();
  }, 90_000);
});
