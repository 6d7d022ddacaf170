import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { createMemoryEventBus, type MemoryEventBus } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { react } from '@warren/unit-of-work';
import type { PoolClient } from 'pg';
import { Schema } from '../src/schema/schema.js';
import { userLockKeys } from '../src/transaction/locks.js';
import { noteEvent, publishTo } from './support/deliveries.js';
import {
  contract,
  type Fixture,
  fixture,
  type Instance,
  type InstanceOptions,
  type NoteTx,
} from './support/fixture.js';

let db: Fixture;
let bus: MemoryEventBus;
const instances: Instance[] = [];
const holders: PoolClient[] = [];
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.sql('TRUNCATE note, messaging.inbox, messaging.suspect');
  bus = createMemoryEventBus({ retryDelays: [20, 20, 20] });
});
afterEach(async () => {
  await Promise.all(holders.splice(0).map(letGo));
  await bus.close();
  await Promise.all(instances.splice(0).map((instance) => instance.stop()));
});

/** Each event is about a note, and for the user of the same name up to the first dash. */
const userOf = ({ subject }: Pick<DomainEvent, 'subject'>) => subject.split('-')[0] ?? '';

async function consuming(
  limits: InstanceOptions['limits'] = {},
  work: (tx: NoteTx, event: DomainEvent) => Promise<void> = async () => undefined,
): Promise<Instance> {
  const instance = db.instance({ bus, limits });
  instances.push(instance);
  await instance.start({
    handlers: [
      react(contract, 'note.written', {
        users: (event) => [userOf(event)],
        async handle(tx: NoteTx, event) {
          await work(tx, event);
          await tx.$queryRawUnsafe('INSERT INTO note VALUES ($1, $1)', event.subject);
        },
      }),
    ],
  });
  return instance;
}

async function hold(sql: string, ...values: unknown[]): Promise<() => Promise<void>> {
  const client = await db.pool.connect();
  holders.push(client);
  await client.query('BEGIN');
  await client.query(sql, values);
  return async () => {
    holders.splice(holders.indexOf(client), 1);
    await letGo(client);
  };
}

async function letGo(client: PoolClient): Promise<void> {
  await client.query('ROLLBACK');
  client.release();
}

const holdUser = (user: string) =>
  hold('SELECT pg_advisory_xact_lock($1)', userLockKeys(new Schema(), [user])[0]);
const publish = (...subjects: string[]) =>
  publishTo(
    bus,
    subjects.map((subject) => noteEvent({ subject })),
  );
const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const kept = async () =>
  (await db.sql<{ id: string }>('SELECT id FROM note ORDER BY id')).map(({ id }) => id);
const noAttempts = { retried: 0, dead: 0 };

describe('a consumer while another transaction holds the lock of one user', () => {
  it('commits the events of a hundred other users, and the one that waits when the lock is free', async () => {
    const { stats, client } = await consuming();
    const release = await holdUser('held');
    const others = names(100, 'user');
    publish('held-1', ...others);
    await eventually(async () => expect(await kept()).toEqual(others.toSorted()));
    expect(stats().consumer).toMatchObject({ handled: 100, split: 0 });
    await release();
    await eventually(async () => expect(await kept()).toHaveLength(101));
    expect(stats().consumer).toMatchObject({ handled: 101, ...noAttempts });
    // What waits does so in the database, not in a loop.
    expect(client.statements.filter((sql) => sql === 'BEGIN').length).toBeLessThan(40);
  });

  it('commits the events of other users even if that user has more events than it may hold', async () => {
    const { stats } = await consuming({ lockWaitMs: 100 });
    const release = await holdUser('held');
    publish(...names(150, 'held-'));
    publish(...names(60, 'user'));
    await eventually(async () => expect(await kept()).toHaveLength(60));
    await release();
    await eventually(async () => expect(await kept()).toHaveLength(210));
    expect(stats().consumer).toMatchObject(noAttempts);
    expect(bus.deadLetters).toEqual([]);
  });
});

describe('users whose locks are rarely free', () => {
  it('have all their events handled once by two instances', async () => {
    await consuming();
    await consuming();
    const subjects = ['a', 'b', 'c'].flatMap((user) => names(80, `${user}-`));
    publish(...subjects);
    await eventually(async () => expect(await kept()).toEqual(subjects.toSorted()), { within: 30_000 });
    expect(bus.deadLetters).toEqual([]);
  });
});

describe('a consumer while another transaction holds a row that one event needs', () => {
  it('commits the other events, and that one when the row is free', async () => {
    await db.sql(`INSERT INTO note VALUES ('row', '')`);
    const { stats } = await consuming({ lockWaitMs: 200 }, async (tx, { subject }) => {
      if (subject === 'needs')
        await tx.$queryRawUnsafe(`UPDATE note SET times = times + 1 WHERE id = 'row' RETURNING 1`);
    });
    const release = await hold(`UPDATE note SET times = times + 1 WHERE id = 'row'`);
    publish('needs', ...names(20, 'user'));
    await eventually(async () => expect(await kept()).toHaveLength(21));
    await release();
    await eventually(async () => expect(await kept()).toContain('needs'));
    expect(stats().consumer).toMatchObject(noAttempts);
  });
});

describe('a consumer while a table is locked for longer than all retries take', () => {
  it('makes no event a dead letter, and commits all of them afterwards', async () => {
    const { stats } = await consuming({ lockWaitMs: 50, prefetch: 4, batchSize: 2 });
    const release = await hold('LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
    publish(...names(8, 'user'));
    // Each is tried more often than there are attempts.
    await eventually(() => expect(stats().consumer?.busy).toBeGreaterThan(60), { within: 30_000 });
    await release();
    await eventually(async () => expect(await kept()).toHaveLength(8), { within: 30_000 });
    expect(stats().consumer).toMatchObject({ handled: 8, ...noAttempts });
    expect(bus.deadLetters).toEqual([]);
  });
});
