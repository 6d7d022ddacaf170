import pg from 'pg';
import { type Service, services } from '../services.js';
import type { HeadRow, InboxRow, Tables } from './evidence.js';

type Urls = Record<Service, string>;

const queries = {
  users: `SELECT id, email, display_name AS "displayName", locale, time_zone AS "timeZone", version FROM users`,
  copies: {
    payment: `SELECT id, version, deleted FROM user_copies`,
    notification: `SELECT id, version, deleted, display_name AS "displayName", locale, time_zone AS "timeZone"
      FROM user_copies`,
  },
  payments: `SELECT id, payer_id AS "payerId", recipient_id AS "recipientId", amount::int AS amount, currency,
      status, description, version FROM payments`,
  openOperations: `SELECT count(*)::int AS open FROM operations WHERE settled_at IS NULL`,
  balances: `SELECT account, currency, b.amount::text AS held, e.amount::text AS sum
    FROM ledger_balances b FULL JOIN (
      SELECT account, currency, sum(amount) AS amount FROM ledger_entries
      WHERE account LIKE 'person:%' GROUP BY account, currency
    ) e USING (account, currency) ORDER BY account, currency`,
  notifications: `SELECT id, user_id AS "userId", event_id AS "eventId", kind, data->>'paymentId' AS "paymentId",
      read_at IS NOT NULL AS read, seen_at IS NOT NULL AS seen, archived_at IS NOT NULL AS archived
    FROM notifications`,
  counts: `SELECT user_id AS "userId", unread, unseen FROM counts`,
  feed: `SELECT user_id AS "userId", seq::int AS seq, type, id,
      to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS time, data
    FROM messaging.feed ORDER BY user_id, seq`,
  heads: `SELECT user_id AS "userId", seq::int AS seq FROM messaging.feed_head`,
  outbox: `SELECT id, type, body::json->>'subject' AS subject, (body::json->>'entityversion')::int AS version,
      published_at IS NOT NULL AS published FROM messaging.outbox`,
  inbox: `SELECT consumer AS service, event_id AS "eventId" FROM messaging.inbox`,
} as const;

/** Reads the tables with plain SQL, so that the checks share no code with the services. */
export async function readTables(urls: Urls): Promise<Tables> {
  return connected(urls, async (select) => {
    const each = async <T>(sql: string) =>
      Object.fromEntries(
        await Promise.all(services.map(async (service) => [service, await select<T>(service, sql)])),
      );
    const [operations] = await select<{ open: number }>('payment', queries.openOperations);
    return {
      users: await select('user', queries.users),
      copies: {
        payment: await select('payment', queries.copies.payment),
        notification: await select('notification', queries.copies.notification),
      },
      payments: await select('payment', queries.payments),
      openOperations: operations?.open ?? 0,
      balances: await select('payment', queries.balances),
      notifications: await select('notification', queries.notifications),
      counts: await select('notification', queries.counts),
      feeds: await each(queries.feed),
      heads: await each(queries.heads),
      outbox: await each(queries.outbox),
      inbox: await inboxOf(select),
    } as Tables;
  });
}

/** Work that is not finished yet. Cheap enough to read every second. */
export interface Activity {
  unpublished: Record<Service, number>;
  openOperations: number;
  heads: Record<Service, HeadRow[]>;
  /** Events that a service must handle and has not handled. */
  unhandled: { service: Service; type: string; eventId: string }[];
}

/** The services that must handle each event type. */
export const mustHandle: Readonly<Record<string, readonly Service[]>> = {
  'user.registered': ['payment', 'notification'],
  'user.updated': ['payment', 'notification'],
  'payment.succeeded': ['notification'],
  'payment.failed': ['notification'],
  'payment.requires-action': ['notification'],
};

export async function readActivity(urls: Urls): Promise<Activity> {
  return connected(urls, async (select) => {
    const unpublished = {} as Record<Service, number>;
    const heads = {} as Record<Service, HeadRow[]>;
    const events: { id: string; type: string }[] = [];
    for (const service of services) {
      const [row] = await select<{ n: number }>(
        service,
        'SELECT count(*)::int AS n FROM messaging.outbox WHERE published_at IS NULL',
      );
      unpublished[service] = row?.n ?? 0;
      heads[service] = await select(service, queries.heads);
      events.push(...(await select<{ id: string; type: string }>(service, eventsToHandle)));
    }
    const handled = new Set((await inboxOf(select)).map(({ service, eventId }) => `${service} ${eventId}`));
    const unhandled = events.flatMap(({ id, type }) =>
      (mustHandle[type] ?? [])
        .filter((service) => !handled.has(`${service} ${id}`))
        .map((service) => ({ service, type, eventId: id })),
    );
    const [operations] = await select<{ open: number }>('payment', queries.openOperations);
    return { unpublished, heads, unhandled, openOperations: operations?.open ?? 0 };
  });
}

const eventsToHandle = `SELECT id, type FROM messaging.outbox WHERE type IN (${Object.keys(mustHandle)
  .map((type) => `'${type}'`)
  .join(', ')})`;

type Select = <T>(service: Service, sql: string) => Promise<T[]>;

async function inboxOf(select: Select): Promise<InboxRow[]> {
  const [payment, notification] = [
    await select<InboxRow>('payment', queries.inbox),
    await select<InboxRow>('notification', queries.inbox),
  ];
  return [...payment, ...notification];
}

async function connected<T>(urls: Urls, read: (select: Select) => Promise<T>): Promise<T> {
  const clients = new Map<Service, pg.Client>();
  try {
    for (const service of services) {
      const client = new pg.Client({
        connectionString: urls[service],
        connectionTimeoutMillis: 10_000,
        statement_timeout: 60_000,
      });
      client.on('error', () => undefined); // A query in progress rejects.
      clients.set(service, client);
      await client.connect();
    }
    return await read(async (service, sql) => (await clients.get(service)?.query(sql))?.rows ?? []);
  } finally {
    await Promise.all([...clients.values()].map((client) => client.end().catch(() => undefined)));
  }
}
