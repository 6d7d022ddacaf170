import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import pg from 'pg';
import { Person } from './support/person.js';
import { ofKind } from './support/story.js';
import { SeparateSystem, services } from './support/system.js';

let system: SeparateSystem;
beforeAll(async () => {
  system = await SeparateSystem.start();
}, 120_000);
afterAll(() => system?.close(), 60_000);

it('removes a deleted person’s data from every table of every service', async () => {
  const marks = {
    name: `Ada ${randomUUID()}`,
    second: `Countess ${randomUUID()}`,
    words: `for ${randomUUID()}`,
  };
  const [ada, grace] = [await Person.register(system, marks.name), await Person.register(system, 'Grace')];
  const hears = await ada.connect('notification');
  expect((await ada.http('user', 'PATCH', '/users/me', { displayName: marks.second })).status).toBe(200);
  // A failed payment notifies only its payer. Notifications of others would keep the person's name.
  const body = {
    recipientId: grace.id,
    amount: 100,
    currency: 'EUR',
    description: marks.words,
    paymentMethod: 'pm_card_chargeDeclined',
  };
  const key = { 'idempotency-key': randomUUID() };
  await eventually(async () => {
    expect((await ada.http('payment', 'POST', '/payments', body, key)).status).toBe(201);
  });
  const told = await hears.entry('notification.created', ofKind('payment-failed'));
  const { id } = told.data.notification as { id: string };
  expect(await hears.command('notification.mark-read', { id, commandId: randomUUID() })).toMatchObject({
    ok: true,
  });
  const everything = [ada.email, ...Object.values(marks)];
  const before = await placesOf(everything);
  for (const place of ['user users', 'user messaging.outbox', 'user messaging.feed', 'payment payments']) {
    expect(before).toContainEqual(expect.stringContaining(place));
  }

  const ended = new Promise((resolve) => hears.socket.once('disconnect', resolve));
  expect((await ada.http('user', 'POST', '/users/me/deletion', { password: ada.password })).status).toBe(204);
  await ended;
  await eventually(async () => expect(await placesOf(everything)).toEqual([]), { within: 30_000 });
  ada.leave();
}, 90_000);

/** `<service> <table>` of each table that holds any of these texts in any column. */
async function placesOf(texts: readonly string[]): Promise<string[]> {
  const places = await Promise.all(
    services.map(async (service) => {
      const client = new pg.Client(system.database(service));
      await client.connect();
      try {
        const { rows: tables } = await client.query<{ name: string }>(
          `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
          WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
        );
        const found: string[] = [];
        for (const { name } of tables) {
          const { rowCount } = await client.query(
            `SELECT FROM ${name} AS t WHERE EXISTS (
              SELECT FROM unnest($1::text[]) AS part WHERE position(part IN t::text) > 0
            ) LIMIT 1`,
            [texts],
          );
          if (rowCount) found.push(`${service} ${name.replace('public.', '')}`);
        }
        return found;
      } finally {
        await client.end();
      }
    }),
  );
  return places.flat();
}
