import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { migrateDatabase } from '@warren/service-kit';
import { type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { wrongBalances } from './support/ledger.js';
import { startTimeout } from './support/service.js';

const prisma = new URL('../prisma/', import.meta.url);
const [init, books] = ['20260101000000_init', '20261124132700_operations_refunds_ledger'];
const filled = '20261130110100_balances_until_then';

let database: TestDatabase;
let client: pg.Client;
let folder: string;
beforeEach(async () => {
  database = await testDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  folder = await mkdtemp(join(tmpdir(), 'warren-payment-'));
}, startTimeout);
afterEach(async () => {
  await client.end();
  await database.close();
  await rm(folder, { recursive: true });
});

/** Brings the database to the state of a build with only these migrations. */
async function migrateOnly(...names: string[]): Promise<void> {
  const migrations = names.map((name) => `migrations/${name}`);
  for (const part of ['schema.prisma', 'migrations/migration_lock.toml', ...migrations]) {
    await cp(fileURLToPath(new URL(part, prisma)), join(folder, part), { recursive: true });
  }
  await migrateDatabase({ url: database.url, prisma: pathToFileURL(`${folder}/`) });
}

const migrateAll = () => migrateDatabase({ url: database.url, prisma });

interface Paid {
  payer: string;
  recipient: string;
}

/** Reserves and settles a payment as a build without a ledger does. */
async function pay(status: 'succeeded' | 'failed' = 'succeeded'): Promise<Paid> {
  const [id, payer, recipient] = [uuidv7(), uuidv7(), uuidv7()];
  await client.query(
    `INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, version, created_at, updated_at)
     VALUES ($1, $2, $3, 1250, 'EUR', 'processing', 1, now(), now())`,
    [id, payer, recipient],
  );
  await client.query(
    `INSERT INTO operations (id, payment_id, kind, payment_method, leased_until, attempts, correlation_id, created_at)
     VALUES ($1, $2, 'charge', 'pm_card_visa', now(), 1, 'x', now())`,
    [uuidv7(), id],
  );
  await client.query(
    `WITH closed AS (UPDATE operations SET settled_at = now(), leased_until = NULL WHERE payment_id = $1)
     UPDATE payments SET status = $2, version = 2 WHERE id = $1`,
    [id, status],
  );
  return { payer, recipient };
}

async function posted() {
  const { rows } = await client.query(
    `SELECT e.account, e.currency, e.amount::int AS amount FROM ledger_entries e
     JOIN ledger_movements m ON m.id = e.movement_id ORDER BY m.payment_id, e.position`,
  );
  return rows;
}

const movementsOf = (...all: Paid[]) =>
  all.flatMap(({ payer, recipient }) => [
    { account: 'clearing:sandbox', currency: 'EUR', amount: -1250 },
    { account: `person:${payer}`, currency: 'EUR', amount: 1250 },
    { account: `person:${payer}`, currency: 'EUR', amount: -1250 },
    { account: `person:${recipient}`, currency: 'EUR', amount: 1250 },
  ]);

describe('payments settled by builds without a ledger', () => {
  it(
    'are in the ledger, whether settled before, between or after the migrations',
    async () => {
      await migrateOnly(init);
      const before = await pay();
      await pay('failed');
      await migrateOnly(init, books);
      expect(await posted()).toEqual(movementsOf(before));
      const between = await pay();
      expect(await posted()).toEqual(movementsOf(before));
      await migrateAll();
      expect(await posted()).toEqual(movementsOf(before, between));
      const after = await pay();
      await pay('failed');
      expect(await posted()).toEqual(movementsOf(before, between, after));
      expect(await wrongBalances(client)).toEqual([]);
    },
    startTimeout,
  );
});

/** The statements of a migration, in their order. */
async function statementsOf(name: string): Promise<string[]> {
  const sql = await readFile(new URL(`migrations/${name}/migration.sql`, prisma), 'utf8');
  return sql
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

describe('a migration that failed midway', () => {
  it(
    'can run again, whichever statement was the last one to succeed',
    async () => {
      await migrateOnly(init);
      const paid = await pay();
      const later = (await readdir(new URL('migrations/', prisma))).filter((name) => /^\d/.test(name));
      for (const name of later.sort().slice(1)) {
        const statements = await statementsOf(name);
        for (let done = 1; done <= statements.length; done += 1) {
          await client.query('BEGIN');
          for (const statement of [...statements.slice(0, done), ...statements])
            await client.query(statement);
          await client.query('SET CONSTRAINTS ALL IMMEDIATE');
          expect(await posted()).toEqual(movementsOf(paid));
          if (name >= filled) expect(await wrongBalances(client)).toEqual([]);
          await client.query('ROLLBACK');
        }
        for (const statement of statements) await client.query(statement);
      }
    },
    startTimeout,
  );
});
