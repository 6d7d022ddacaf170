import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import pg from 'pg';
import { LoadBalancer } from './support/load-balancer.js';
import { Person } from './support/person.js';
import type { SocketLog } from './support/socket-log.js';
import { expectGapless, ofKind } from './support/story.js';
import { SeparateSystem, type ServiceName, type System, services } from './support/system.js';

interface Notification {
  id: string;
  kind: string;
  readAt: string | null;
  data: { paymentId?: string };
}

/** A person who pays and reads continuously, with a tab on each service. */
interface Busy {
  person: Person;
  tabs: Record<ServiceName, SocketLog>;
  /** The ids of the person's accepted payments. */
  paid: string[];
  /** The display names that the service accepted. */
  names: string[];
  /** The ids of the notifications that the service marked as read. */
  read: string[];
}

describe('a rollout under load', () => {
  let system: SeparateSystem;
  const people: Busy[] = [];
  const balancers = new Map<ServiceName, LoadBalancer>();
  const databases = new Map<ServiceName, pg.Client>();
  beforeAll(async () => {
    system = await SeparateSystem.start(2);
    for (const service of services) {
      balancers.set(service, await LoadBalancer.open(system.urls(service)));
      const client = new pg.Client({ connectionString: system.database(service) });
      await client.connect();
      databases.set(service, client);
    }
  }, 240_000);
  afterAll(async () => {
    for (const { person } of people) person.leave();
    for (const client of databases.values()) await client.end();
    for (const balancer of balancers.values()) await balancer.close();
    await system?.close();
  }, 60_000);

  const behindDoors: System = {
    urls: (service) => [balancers.get(service)?.url ?? ''],
    close: async () => undefined,
  };
  const rows = async <Row extends pg.QueryResultRow>(service: ServiceName, sql: string): Promise<Row[]> =>
    (await databases.get(service)?.query<Row>(sql))?.rows ?? [];

  it('loses no event and no command, and clients reconnect by themselves', async () => {
    for (const name of ['Ada', 'Grace', 'Eve', 'Bob']) {
      const person = await Person.register(behindDoors, name);
      const tabs = {
        user: await person.connect('user'),
        payment: await person.connect('payment'),
        notification: await person.connect('notification'),
      };
      people.push({ person, tabs, paid: [], names: [], read: [] });
    }
    let rolling = true;
    const busy = Promise.all(
      people.flatMap((one, index) => {
        const other = people[(index + 1) % people.length]?.person ?? one.person;
        return [
          repeat(
            () => pays(one, other),
            () => rolling,
          ),
          repeat(
            () => readsNext(one),
            () => rolling,
          ),
          ...(index === 0
            ? [
                repeat(
                  () => renames(one),
                  () => rolling,
                  2_500,
                ),
              ]
            : []),
        ];
      }),
    );
    const roll = async () => {
      for (const service of services) {
        for (const instance of [0, 1]) {
          const exit = await system.stop(service, instance);
          if (exit !== 0)
            throw new Error(`${service} ended with ${exit}: ${system.output(service, instance)}`);
          await system.restart(service, instance);
        }
      }
    };
    const rolled = roll().finally(() => {
      rolling = false;
    });
    // Wait for both even if one fails: nothing may continue after a failed test.
    const outcomes = await Promise.allSettled([rolled, busy]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;

    // Each accepted payment exists once, and there are no others.
    const paid = people.flatMap((one) => one.paid);
    expect(paid.length).toBeGreaterThan(20);
    const stored = await rows<{ id: string }>('payment', 'SELECT id FROM payments');
    expect(stored.map(({ id }) => id).sort()).toEqual([...paid].sort());

    // Payer and recipient each receive one notification of each payment.
    await eventually(
      () => {
        for (const [index, one] of people.entries()) {
          const payer = people[(index + people.length - 1) % people.length];
          expect(paymentsNotifiedTo(one, 'payment-sent')).toEqual([...one.paid].sort());
          expect(paymentsNotifiedTo(one, 'payment-received')).toEqual([...(payer?.paid ?? [])].sort());
        }
      },
      { within: 40_000 },
    );

    // Each mark took effect once.
    for (const { tabs, read } of people) {
      await eventually(() => expect(marksOn(tabs.notification).sort()).toEqual([...read].sort()));
    }
    expect(people.flatMap(({ read }) => read).length).toBeGreaterThan(20);
    const marked = await rows<{ id: string }>(
      'notification',
      'SELECT id FROM notifications WHERE read_at IS NOT NULL',
    );
    expect(marked.map(({ id }) => id).sort()).toEqual(people.flatMap(({ read }) => read).sort());

    // The copies match their source.
    expect(people[0]?.names.length).toBeGreaterThan(2);
    await eventually(async () => {
      const names = (table: string) => `SELECT id, display_name FROM ${table} ORDER BY id`;
      expect(await rows('notification', names('user_copies'))).toEqual(await rows('user', names('users')));
    });

    for (const { person, tabs } of people) {
      for (const service of services) await expectComplete(service, person, tabs[service]);
    }
    for (const service of services) {
      await eventually(async () => {
        const left = 'SELECT id FROM messaging.outbox WHERE published_at IS NULL';
        expect(await rows(service, left)).toEqual([]);
      });
    }
  }, 480_000);

  /** Expects all entries up to the head in the database, without a gap, and only orderly ends of connections. */
  async function expectComplete(service: ServiceName, { id }: Person, tab: SocketLog): Promise<void> {
    const heads = await rows<{ seq: string }>(
      service,
      `SELECT seq FROM messaging.feed_head WHERE user_id = '${id}'`,
    );
    await eventually(() => expect(tab.seqs.at(-1) ?? 0).toBe(Number(heads[0]?.seq ?? 0)));
    expectGapless(tab);
    const heard = (name: string) => tab.heard.filter((event) => event.name === name);
    expect(heard('session.ready').length).toBeGreaterThan(1);
    expect(heard('session.draining').length).toBeGreaterThan(0);
    expect(heard('session.ended')).toEqual([]);
    expect(heard('feed.reset')).toEqual([]);
    const refused = heard('connect_error').filter(({ args }) => (args[0] as { data?: unknown }).data);
    expect(refused).toEqual([]);
  }
});

async function repeat(act: () => Promise<void>, wanted: () => boolean, everyMs = 100): Promise<void> {
  while (wanted()) {
    await act();
    await pause(everyMs);
  }
}

async function pays({ person, paid }: Busy, to: Person): Promise<void> {
  const { status, body } = await person.pay(to, 100);
  expect({ status, body }).toMatchObject({ status: 201 });
  paid.push(body.id as string);
}

/** Marks the oldest unread notification as read. Without an answer it repeats the command with its `commandId`. */
async function readsNext({ tabs, read }: Busy): Promise<void> {
  const log = tabs.notification;
  const unread = log.entries
    .filter(({ type }) => type === 'notification.created')
    .map(({ data }) => (data.notification as Notification).id)
    .find((id) => !read.includes(id));
  if (unread === undefined) return;
  const input = { id: unread, commandId: randomUUID() };
  const answer = await eventually(
    async () => {
      const given = await log.command('notification.mark-read', input);
      if ((given.error as { temporary?: boolean } | undefined)?.temporary)
        throw new Error(JSON.stringify(given));
      return given;
    },
    { within: 60_000 },
  );
  expect(answer).toMatchObject({ ok: true });
  read.push(unread);
}

async function renames({ person, names }: Busy): Promise<void> {
  const displayName = `Ada ${names.length + 1}`;
  await eventually(
    async () => {
      const { status } = await person.http('user', 'PATCH', '/users/me', { displayName });
      expect(status).toBe(200);
    },
    { within: 60_000 },
  );
  names.push(displayName);
}

/** The ids of the payments of which a person's tab received a notification of this kind. */
function paymentsNotifiedTo({ tabs }: Busy, kind: string): string[] {
  return tabs.notification.entries
    .filter(({ type, data }) => type === 'notification.created' && ofKind(kind)(data))
    .map(({ data }) => (data.notification as Notification).data.paymentId ?? '')
    .sort();
}

/** The ids of the notifications that a tab saw marked as read. */
function marksOn(log: SocketLog): string[] {
  return log.entries
    .filter(({ type }) => type === 'notification.updated')
    .map(({ data }) => (data.notification as Notification).id);
}
