import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { heldBy, insertPayment, migrateAll, migrateUntil, move, wrongBalances } from './support/ledger.js';
import { startTimeout } from './support/service.js';

const beforeBalances = '20261130100000_epochs_of_copies';
const withTrigger = '20261130110000_balances';

let database: TestDatabase;
let clients: pg.Client[];
beforeEach(async () => {
  database = await testDatabase();
  clients = [];
}, startTimeout);
afterEach(async () => {
  for (const client of clients) await client.end();
  await database.close();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  clients.push(client);
  await client.connect();
  return client;
}

/** Waits until `count` transactions of this database are blocked by a lock. */
async function waitUntilBlocked(client: pg.Client, count = 1): Promise<void> {
  await eventually(async () => {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(count);
  });
}

describe('balances of a database that already has a ledger', () => {
  it('are complete after the migrations, even if other clients write before, between and during them', async () => {
    await migrateUntil(database.url, beforeBalances);
    const [one, two] = [await connect(), await connect()];
    const id = await insertPayment(one);
    for (const pair of [
      ['ada', 'grace'],
      ['grace', 'ada'],
      ['eve', 'ada'],
    ] as const)
      await move(one, id, pair);
    await migrateUntil(database.url, withTrigger);
    expect(await heldBy(one, 'ada')).toBeUndefined();
    await move(one, id, ['grace', 'ada'], 7);
    expect(await heldBy(one, 'ada')).toBe(207);

    await two.query('BEGIN');
    await move(two, id, ['ada', 'eve'], 5);
    const migrated = migrateAll(database.url);
    await waitUntilBlocked(one);
    await two.query('COMMIT');
    expect(await migrated).toEqual(['20261130110100_balances_until_then']);
    const held = [await heldBy(one, 'ada'), await heldBy(one, 'grace'), await heldBy(one, 'eve')];
    expect(held).toEqual([207, 100, 5]);
    expect(await wrongBalances(one)).toEqual([]);
  });

  /**
   * Grace holds 1,000 from before the migration of balances, so she has no row. Then one transaction pays her 1 and
   * inserts the row, another one pays her 10 and waits for it, and the first one ends.
   */
  async function twoPayGrace(firstEnds: 'COMMIT' | 'ROLLBACK') {
    await migrateUntil(database.url, beforeBalances);
    const [one, two] = [await connect(), await connect()];
    const id = await insertPayment(one);
    await move(one, id, ['ada', 'grace'], 1_000);
    await migrateUntil(database.url, withTrigger);
    await one.query('BEGIN');
    await move(one, id, ['ada', 'grace'], 1);
    const second = move(two, id, ['eve', 'grace'], 10);
    await waitUntilBlocked(one);
    await one.query(firstEnds);
    await second;
    return one;
  }

  it('are correct for a person without a row whom two others pay at the same time', async () => {
    const one = await twoPayGrace('COMMIT');
    expect(await heldBy(one, 'grace')).toBe(1_011);
    await migrateAll(database.url);
    expect(await wrongBalances(one)).toEqual([]);
  });

  it('are correct if the payment that inserted the row is rolled back', async () => {
    const one = await twoPayGrace('ROLLBACK');
    expect(await heldBy(one, 'grace')).toBe(1_010);
    await migrateAll(database.url);
    expect(await wrongBalances(one)).toEqual([]);
  });
});

describe('payments', () => {
  it('to different people do not wait for each other, even with the same payer and the same provider', async () => {
    await migrateAll(database.url);
    const [one, two] = [await connect(), await connect()];
    const id = await insertPayment(one);
    await move(one, id, ['ada', 'grace']);
    await one.query('BEGIN');
    await move(one, id, ['ada', 'grace']);
    await two.query(`SET lock_timeout = '5s'`);
    await move(two, id, ['ada', 'eve']);
    await one.query('COMMIT');
    expect(await wrongBalances(one)).toEqual([]);
  });

  it('between the same people in both directions do not deadlock', async () => {
    await migrateAll(database.url);
    const id = await insertPayment(await connect());
    const pairs = [
      ['ada', 'grace'],
      ['grace', 'ada'],
      ['eve', 'ada'],
      ['grace', 'eve'],
    ] as const;
    await Promise.all(
      pairs.map(async (pair) => {
        const client = await connect();
        for (let n = 0; n < 100; n += 1) await move(client, id, pair);
      }),
    );
    const [client] = clients as [pg.Client];
    expect(await wrongBalances(client)).toEqual([]);
    expect(await heldBy(client, 'ada')).toBe(20_000);
  });
});
