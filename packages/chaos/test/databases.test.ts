import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { readActivity, readTables } from '../src/evidence/databases.js';
import { type Service, services } from '../src/services.js';

const [ada, grace, payment, event] = [1, 2, 3, 4].map((n) => `00000000-0000-7000-8000-00000000000${n}`);
const at = '2026-01-01T00:00:00.123Z';

const messaging = `
CREATE SCHEMA messaging;
CREATE TABLE messaging.outbox (id uuid, type text, body text, published_at timestamptz);
CREATE TABLE messaging.inbox (consumer text, event_id text);
CREATE TABLE messaging.feed_head (user_id text, seq bigint);
CREATE TABLE messaging.feed (user_id text, seq bigint, type text, id uuid, time timestamptz, data json);`;

/** Tables like the services', with rows for each query. */
const tables: Record<Service, string> = {
  user: `
    CREATE TABLE users (id uuid, email text, display_name text, locale text, time_zone text, version int);
    INSERT INTO users VALUES ('${ada}', 'ada@x', 'Ada', 'en', 'UTC', 3);
    INSERT INTO messaging.outbox VALUES
      ('${event}', 'user.registered', '{"subject":"${ada}","entityversion":1}', '${at}'),
      ('${grace}', 'user.updated', '{"subject":"${ada}","entityversion":2}', NULL);
    INSERT INTO messaging.feed VALUES ('${ada}', 1, 'user.updated', '${event}', '${at}', '{"version":2}');
    INSERT INTO messaging.feed_head VALUES ('${ada}', 1);`,
  payment: `
    CREATE TABLE user_copies (id uuid, version int, deleted bool);
    CREATE TABLE payments (id uuid, payer_id uuid, recipient_id uuid, amount bigint, currency char(3), status text,
      description text, version int);
    CREATE TABLE operations (settled_at timestamptz);
    CREATE TABLE ledger_entries (account text, currency char(3), amount bigint);
    CREATE TABLE ledger_balances (account text, currency char(3), amount numeric);
    INSERT INTO ledger_entries VALUES ('clearing:x', 'EUR', -5), ('person:a', 'EUR', 2), ('person:a', 'EUR', 3),
      ('person:b', 'EUR', 1);
    INSERT INTO ledger_balances VALUES ('person:a', 'EUR', 4), ('person:c', 'EUR', 0);
    INSERT INTO user_copies VALUES ('${ada}', 2, false);
    INSERT INTO payments VALUES ('${payment}', '${ada}', '${grace}', 1250, 'EUR', 'succeeded', 'a1 tag', 2);
    INSERT INTO operations VALUES (NULL), ('${at}');
    INSERT INTO messaging.inbox VALUES ('payment', '${event}'), ('payment', '${grace}');`,
  notification: `
    CREATE TABLE user_copies (id uuid, version int, deleted bool, display_name text, locale text, time_zone text);
    CREATE TABLE notifications (id uuid, user_id uuid, event_id text, kind text, data jsonb, read_at timestamptz,
      seen_at timestamptz, archived_at timestamptz);
    CREATE TABLE counts (user_id uuid, unread int, unseen int);
    INSERT INTO user_copies VALUES ('${ada}', 3, true, NULL, NULL, NULL);
    INSERT INTO notifications VALUES
      ('${payment}', '${ada}', 'e1', 'payment-sent', '{"paymentId":"${payment}"}', '${at}', '${at}', NULL),
      ('${event}', '${ada}', 'e2', 'welcome', '{}', NULL, NULL, '${at}');
    INSERT INTO counts VALUES ('${ada}', 7, 8);
    INSERT INTO messaging.inbox VALUES ('notification', '${event}');`,
};

describe('reading the databases', () => {
  const databases: TestDatabase[] = [];
  const urls = {} as Record<Service, string>;

  beforeAll(async () => {
    for (const service of services) {
      const database = await testDatabase();
      databases.push(database);
      urls[service] = database.url;
      const client = new pg.Client(database.url);
      await client.connect();
      await client.query(messaging + tables[service]);
      await client.end();
    }
  }, 60_000);
  afterAll(() => Promise.all(databases.map((database) => database.close())));

  it('returns all rows that the checks need', async () => {
    expect(await readTables(urls)).toEqual({
      users: [{ id: ada, email: 'ada@x', displayName: 'Ada', locale: 'en', timeZone: 'UTC', version: 3 }],
      copies: {
        payment: [{ id: ada, version: 2, deleted: false }],
        notification: [
          { id: ada, version: 3, deleted: true, displayName: null, locale: null, timeZone: null },
        ],
      },
      payments: [
        {
          id: payment,
          payerId: ada,
          recipientId: grace,
          amount: 1250,
          currency: 'EUR',
          status: 'succeeded',
          description: 'a1 tag',
          version: 2,
        },
      ],
      openOperations: 1,
      balances: [
        { account: 'person:a', currency: 'EUR', held: '4', sum: '5' },
        { account: 'person:b', currency: 'EUR', held: null, sum: '1' },
        { account: 'person:c', currency: 'EUR', held: '0', sum: null },
      ],
      notifications: [
        {
          id: payment,
          userId: ada,
          eventId: 'e1',
          kind: 'payment-sent',
          paymentId: payment,
          read: true,
          seen: true,
          archived: false,
        },
        {
          id: event,
          userId: ada,
          eventId: 'e2',
          kind: 'welcome',
          paymentId: null,
          read: false,
          seen: false,
          archived: true,
        },
      ],
      counts: [{ userId: ada, unread: 7, unseen: 8 }],
      feeds: {
        user: [{ userId: ada, seq: 1, type: 'user.updated', id: event, time: at, data: { version: 2 } }],
        payment: [],
        notification: [],
      },
      heads: { user: [{ userId: ada, seq: 1 }], payment: [], notification: [] },
      outbox: {
        user: [
          { id: event, type: 'user.registered', subject: ada, version: 1, published: true },
          { id: grace, type: 'user.updated', subject: ada, version: 2, published: false },
        ],
        payment: [],
        notification: [],
      },
      inbox: [
        { service: 'payment', eventId: event },
        { service: 'payment', eventId: grace },
        { service: 'notification', eventId: event },
      ],
    });
  });

  it('returns the work that is not finished', async () => {
    expect(await readActivity(urls)).toEqual({
      unpublished: { user: 1, payment: 0, notification: 0 },
      openOperations: 1,
      heads: { user: [{ userId: ada, seq: 1 }], payment: [], notification: [] },
      unhandled: [{ service: 'notification', type: 'user.updated', eventId: grace }],
    });
  });
});
