import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { migrateDatabase } from '@warren/service-kit';
import { type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout } from './support/service.js';

const prisma = new URL('../prisma/', import.meta.url);

let database: TestDatabase;
let client: pg.Client;
let folder: string;
beforeAll(async () => {
  database = await testDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  folder = await mkdtemp(join(tmpdir(), 'warren-payment-'));
}, startTimeout);
afterAll(async () => {
  await client.end();
  await database.close();
  await rm(folder, { recursive: true });
});

/** As a database stands that ran a build with this migration as its last one. */
async function migrateOnly(name: string): Promise<void> {
  for (const part of ['schema.prisma', 'migrations/migration_lock.toml', `migrations/${name}`]) {
    await cp(fileURLToPath(new URL(part, prisma)), join(folder, part), { recursive: true });
  }
  await migrateDatabase({ url: database.url, prisma: pathToFileURL(`${folder}/`) });
}

/** As a build without books writes them. */
async function pay(status: 'succeeded' | 'failed'): Promise<{ payer: string; recipient: string }> {
  const [id, payer, recipient] = [uuidv7(), uuidv7(), uuidv7()];
  await client.query(
    `INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, version, created_at, updated_at)
     VALUES ($1, $2, $3, 1250, 'EUR', $4, 2, now(), now())`,
    [id, payer, recipient, status],
  );
  await client.query(
    `INSERT INTO operations (id, payment_id, kind, payment_method, leased_until, attempts, correlation_id, created_at,
       settled_at) VALUES ($1, $2, 'charge', 'pm_card_visa', NULL, 1, 'x', now(), now())`,
    [uuidv7(), id],
  );
  return { payer, recipient };
}

it(
  'what was paid before there were books is in them, and a build that knows of none can still write',
  async () => {
    await migrateOnly('20260101000000_init');
    const { payer, recipient } = await pay('succeeded');
    await pay('failed');
    await migrateDatabase({ url: database.url, prisma });
    const { rows } = await client.query(
      'SELECT account, currency, amount::int AS amount FROM ledger_entries ORDER BY movement_id, position',
    );
    expect(rows).toEqual([
      { account: 'clearing:sandbox', currency: 'EUR', amount: -1250 },
      { account: `person:${payer}`, currency: 'EUR', amount: 1250 },
      { account: `person:${payer}`, currency: 'EUR', amount: -1250 },
      { account: `person:${recipient}`, currency: 'EUR', amount: 1250 },
    ]);
    await pay('succeeded');
  },
  startTimeout,
);
