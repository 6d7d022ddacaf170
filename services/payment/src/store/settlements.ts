import { v7 as uuidv7 } from 'uuid';
import type { Movement } from '../domain/ledger.js';
import type { Operation } from '../domain/operation.js';
import type { Settlement } from '../domain/settlement.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/**
 * Writes what an outcome changed, including the ledger, and closes the operation, in one statement. If a webhook
 * arrived after the operation was leased, the operation stays open and is due at once. Payment and operation must be
 * locked.
 *
 * @param reference the provider's id of the object that the operation made
 */
export async function saveSettlement(
  db: PaymentDb,
  operation: Operation,
  { payment, refund, refundsPending, failureCode, movement }: Settlement,
  reference: string | undefined,
): Promise<void> {
  const upToDate = Prisma.sql`notices = ${operation.webhooks}::int`;
  await db.$executeRaw`
    WITH closed AS (
      UPDATE operations SET settled_at = CASE WHEN ${upToDate} THEN now() END,
        leased_until = CASE WHEN ${upToDate} THEN NULL ELSE now() END,
        reference = coalesce(${reference ?? null}, reference)
      WHERE id = ${operation.id}::uuid
    )
    ${refund ? refundUpdate(refund, failureCode) : Prisma.empty}
    ${movement ? posting(operation, movement) : Prisma.empty}
    UPDATE payments SET status = ${payment.status}, failure_code = ${payment.failureCode ?? null},
      next_action = ${payment.nextAction ? JSON.stringify(payment.nextAction) : null}::jsonb,
      client_secret = ${payment.clientSecret ?? null}, amount_refunded = ${payment.amountRefunded}::bigint,
      refunds_pending = ${refundsPending}::bigint, version = ${payment.version}::int,
      updated_at = ${payment.updatedAt}::timestamptz
    WHERE id = ${payment.id}::uuid`;
}

function refundUpdate({ id, status }: NonNullable<Settlement['refund']>, failureCode: string | undefined) {
  return Prisma.sql`, refund AS (
      UPDATE refunds SET status = ${status}, failure_code = coalesce(${failureCode ?? null}, failure_code),
        updated_at = now()
      WHERE id = ${id}::uuid
    )`;
}

function posting({ id, paymentId }: Operation, { kind, entries }: Movement) {
  const lines = JSON.stringify(entries.map((entry, position) => ({ ...entry, position })));
  return Prisma.sql`, movement AS (
      INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
      VALUES (${uuidv7()}::uuid, ${paymentId}::uuid, ${id}::uuid, ${kind}, now())
      RETURNING id
    ), entries AS (
      INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
      SELECT movement.id, line.position, line.account, line.currency, line.amount
      FROM movement CROSS JOIN jsonb_to_recordset(${lines}::jsonb)
        AS line (position smallint, account text, currency text, amount bigint)
    )`;
}
