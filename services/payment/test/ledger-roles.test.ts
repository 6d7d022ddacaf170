import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestDatabaseOfRoles, testDatabaseOfRoles } from '@warren/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';

let database: TestDatabaseOfRoles;
let world: World;
let worker: pg.Client;
let paymentId: string;
beforeAll(async () => {
  database = await testDatabaseOfRoles();
  world = await World.create(database);
  const env = { DATABASE_URL: database.workerUrl, MIGRATE_DATABASE_URL: database.ownerUrl };
  const service = await world.start({ env });
  const [payer, recipient] = await world.people();
  const { status, body } = await service.pay(payer, recipient);
  expect(status).toBe(201);
  paymentId = body.id;
  worker = new pg.Client({ connectionString: database.workerUrl });
  await worker.connect();
}, startTimeout);
afterAll(async () => {
  await worker?.end();
  await world?.close();
});

/** Runs the statements in one transaction, which is rolled back if one fails. */
async function run(...statements: string[]): Promise<void> {
  try {
    for (const statement of ['BEGIN', ...statements, 'COMMIT']) await worker.query(statement);
  } finally {
    await worker.query('ROLLBACK');
  }
}

/** A movement with one side only. */
const unbalanced = (movementId: string) => [
  `INSERT INTO public.ledger_movements VALUES ('${movementId}', '${paymentId}', '${uuidv7()}', 'refund', now())`,
  `INSERT INTO public.ledger_entries VALUES ('${movementId}', 0, 'person:mallory', 'EUR', 100)`,
];

/** Grants what other databases may grant to every role. */
async function allowTablesOfItsOwn(): Promise<void> {
  const grant = new pg.Client({ connectionString: database.url });
  await grant.connect();
  const role = new URL(database.workerUrl).username;
  await grant.query(
    `GRANT TEMPORARY, CREATE ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${role}`,
  );
  await grant.end();
}

describe("the payment service's database role", () => {
  it.each([
    'ALTER TABLE ledger_entries DISABLE TRIGGER ALL',
    'ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_balance',
    'DROP TRIGGER ledger_entries_append_only ON ledger_entries',
    'SET session_replication_role = replica',
    'TRUNCATE ledger_entries',
    'DROP TABLE ledger_entries',
    'DROP FUNCTION ledger_is_append_only CASCADE',
    `CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
  ])('is denied: %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it.each(['UPDATE ledger_entries SET amount = 1', 'DELETE FROM ledger_movements'])(
    'cannot change ledger rows: %s',
    async (sql) => {
      await expect(run(sql)).rejects.toMatchObject({ code: '23001' });
    },
  );

  it.each([
    'UPDATE ledger_balances SET amount = amount + 1',
    `INSERT INTO ledger_balances VALUES ('person:mallory', 'EUR', 1)`,
    `DELETE FROM ledger_balances`,
    'TRUNCATE ledger_balances',
    `SET warren.fills_balances = 'on'; UPDATE ledger_balances SET amount = amount + 1`,
    'ALTER TABLE ledger_balances DISABLE TRIGGER ledger_balances_follow_entries',
    'ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_keep_balances',
    'SELECT ledger_keep_balances()',
  ])('cannot change a balance without ledger entries: %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|0A000)$/),
    });
  });

  it('cannot commit a movement that does not balance', async () => {
    await expect(run(...unbalanced(uuidv7()))).rejects.toMatchObject({ code: '23514' });
  });

  it('cannot change a balance by a trigger on a temporary table', async () => {
    await allowTablesOfItsOwn();
    const balance = () => worker.query('SELECT sum(amount) FROM ledger_balances').then(({ rows }) => rows[0]);
    const before = await balance();
    const table = 'CREATE TEMPORARY TABLE made_up (account text, currency char(3), amount bigint)';
    const keeps = `CREATE TRIGGER t AFTER INSERT ON made_up REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_keep_balances()`;
    const writes = `CREATE FUNCTION pg_temp.writes() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE public.ledger_balances SET amount = amount + 1; RETURN NULL; END'`;
    const written =
      'CREATE TRIGGER t AFTER INSERT ON made_up FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.writes()';
    const insert = `INSERT INTO made_up VALUES ('person:mallory', 'EUR', 1)`;
    await expect(run(table, keeps, insert)).rejects.toMatchObject({ code: '42501' });
    await expect(run(table, writes, written, insert)).rejects.toMatchObject({ code: '42501' });
    expect(await balance()).toEqual(before);
  });

  it('cannot replace the ledger that is checked by a temporary table or a search_path', async () => {
    await allowTablesOfItsOwn();
    const id = uuidv7();
    const balanced = `(VALUES ('${id}'::uuid, 'EUR'::bpchar, 1), ('${id}', 'EUR', -1)) AS e (movement_id, currency, amount)`;
    await expect(
      run(`CREATE TEMPORARY TABLE ledger_entries AS SELECT * FROM ${balanced}`, ...unbalanced(id)),
    ).rejects.toMatchObject({ code: '23514' });
    await expect(
      run(
        'CREATE SCHEMA mine',
        `CREATE TABLE mine.ledger_entries AS SELECT * FROM ${balanced}`,
        'SET LOCAL search_path = mine, public',
        ...unbalanced(id),
      ),
    ).rejects.toMatchObject({ code: '23514' });
  });
});
