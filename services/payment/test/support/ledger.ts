import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { migrateDatabase } from '@warren/service-kit';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';

const prisma = new URL('../../prisma/', import.meta.url);

/** Applies the migrations up to this one, included. */
export async function migrateUntil(url: string, last: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-payment-'));
  try {
    const names = await readdir(new URL('migrations/', prisma));
    for (const name of names.filter((each) => each <= last || each === 'migration_lock.toml')) {
      const from = fileURLToPath(new URL(`migrations/${name}`, prisma));
      await cp(from, join(folder, 'migrations', name), { recursive: true });
    }
    await migrateDatabase({ url, prisma: pathToFileURL(`${folder}/`) });
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const migrateAll = (url: string) => migrateDatabase({ url, prisma });

/** Balances that are not the sum of their entries. Computed here, independently of the database's own functions. */
export async function wrongBalances(client: ClientBase): Promise<unknown[]> {
  const { rows } = await client.query(`
    SELECT account, currency, b.amount AS held, e.amount AS sum
    FROM ledger_balances b FULL JOIN (
      SELECT account, currency, sum(amount) AS amount FROM ledger_entries
      WHERE account LIKE 'person:%' GROUP BY account, currency
    ) e USING (account, currency) WHERE b.amount IS DISTINCT FROM e.amount`);
  return rows;
}

/** A payment that movements can refer to. */
export async function insertPayment(client: ClientBase): Promise<string> {
  const id = uuidv7();
  await client.query(
    `INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, version, created_at, updated_at)
     VALUES ($1, $2, $3, 1250, 'EUR', 'failed', 2, now(), now())`,
    [id, uuidv7(), uuidv7()],
  );
  return id;
}

/** Moves money from a payer to a recipient, by the statement of a build without balances. */
export async function move(
  client: ClientBase,
  paymentId: string,
  [payer, recipient]: readonly [payer: string, recipient: string],
  amount = 100,
): Promise<void> {
  await client.query(
    `WITH movement AS (
      INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
      VALUES (gen_random_uuid(), $1, gen_random_uuid(), 'payment', now()) RETURNING id
    )
    INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
    SELECT movement.id, line.position, line.account, 'EUR', line.amount
    FROM movement CROSS JOIN (VALUES
      (0, 'clearing:sandbox', -$4::bigint), (1, 'person:' || $2, $4::bigint),
      (2, 'person:' || $2, -$4::bigint), (3, 'person:' || $3, $4::bigint)
    ) AS line (position, account, amount)`,
    [paymentId, payer, recipient, amount],
  );
}

/** A person's balance; undefined without a row. */
export async function heldBy(client: ClientBase, person: string): Promise<number | undefined> {
  const { rows } = await client.query<{ amount: string }>(
    'SELECT amount FROM ledger_balances WHERE account = $1',
    [`person:${person}`],
  );
  return rows[0] && Number(rows[0].amount);
}
