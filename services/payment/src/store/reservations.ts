import type { Payment, Refund } from '@warren/payment-contract';
import { checkPeople, type KnownPerson } from '../domain/new-payment.js';
import type { Operation } from '../domain/operation.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/**
 * Writes a new payment and its leased charge in one statement, if both people allow it. The statement locks the copies
 * of both people FOR SHARE first, so that an erasure waits for it and erases the payment too.
 *
 * @throws AppError as `checkPeople`; in this case no payment is written
 */
export async function reserveCharge(
  db: PaymentDb,
  payment: Payment,
  charge: Operation,
  options: { provider: string; leaseMs: number },
): Promise<void> {
  let people = await tryToReserve(db, payment, charge, options);
  // The payer's copy was inserted by another transaction while this one tried to insert it. Now it is visible.
  if (!people.some(({ id }) => id === payment.payerId)) {
    people = await tryToReserve(db, payment, charge, options);
  }
  checkPeople(payment, people);
}

/**
 * Inserts an empty copy, with the version 0, for a payer without one. So an erasure of the payer waits for this
 * transaction and finds the payment. The conditions are those of `checkPeople`.
 */
function tryToReserve(
  db: PaymentDb,
  payment: Payment,
  charge: Operation,
  { provider, leaseMs }: { provider: string; leaseMs: number },
): Promise<KnownPerson[]> {
  return db.$queryRaw<KnownPerson[]>`
    WITH copies AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (${payment.payerId}::uuid, ${payment.recipientId}::uuid) ORDER BY id FOR SHARE
    ), newcomer AS (
      INSERT INTO user_copies (id, version)
      SELECT ${payment.payerId}::uuid, 0 WHERE NOT EXISTS (SELECT FROM copies WHERE id = ${payment.payerId}::uuid)
      ON CONFLICT DO NOTHING RETURNING id, deleted
    ), people AS MATERIALIZED (
      SELECT id, deleted FROM copies UNION ALL SELECT id, deleted FROM newcomer
    ), payment AS (
      INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, description, provider, version,
        created_at, updated_at)
      SELECT ${payment.id}::uuid, ${payment.payerId}::uuid, ${payment.recipientId}::uuid,
        ${payment.amount}::bigint, ${payment.currency}, ${payment.status}, ${payment.description}, ${provider},
        ${payment.version}::int, ${charge.createdAt}::timestamptz, ${charge.createdAt}::timestamptz
      WHERE EXISTS (SELECT FROM people WHERE id = ${payment.recipientId}::uuid)
        AND EXISTS (SELECT FROM people WHERE id = ${payment.payerId}::uuid)
        AND NOT EXISTS (SELECT FROM people WHERE deleted)
      RETURNING id
    ), operation AS (
      INSERT INTO operations (${operationColumns})
      SELECT ${operationValues(charge, leaseMs)} FROM payment
    )
    SELECT id, deleted FROM people`;
}

/** Writes a confirmation or a cancelation, and the payment during the call. The payment must be locked. */
export async function reserveAction(
  db: PaymentDb,
  payment: Payment,
  operation: Operation,
  leaseMs: number,
): Promise<void> {
  await db.$executeRaw`
    WITH operation AS (
      INSERT INTO operations (${operationColumns}) SELECT ${operationValues(operation, leaseMs)}
    )
    UPDATE payments SET status = ${payment.status}, version = ${payment.version}::int,
      next_action = ${payment.nextAction ? JSON.stringify(payment.nextAction) : null}::jsonb,
      client_secret = ${payment.clientSecret ?? null}, updated_at = ${payment.updatedAt}::timestamptz
    WHERE id = ${payment.id}::uuid`;
}

/** Writes a refund and its operation, and reserves its amount. The payment must be locked. */
export async function reserveRefund(
  db: PaymentDb,
  refund: Refund,
  operation: Operation,
  leaseMs: number,
): Promise<void> {
  const { id, paymentId, amount, status, createdAt } = refund;
  await db.$executeRaw`
    WITH refund AS (
      INSERT INTO refunds (id, payment_id, amount, status, created_at, updated_at)
      VALUES (${id}::uuid, ${paymentId}::uuid, ${amount}::bigint, ${status}, ${createdAt}::timestamptz,
        ${createdAt}::timestamptz)
    ), operation AS (
      INSERT INTO operations (${operationColumns}) SELECT ${operationValues(operation, leaseMs)}
    )
    UPDATE payments SET refunds_pending = refunds_pending + ${amount}::bigint WHERE id = ${paymentId}::uuid`;
}

const operationColumns = Prisma.sql`id, payment_id, kind, payment_method, leased_until, attempts, correlation_id,
  created_at`;

/** Only the charge has the payment method, so that an erasure finds it in one place. */
function operationValues(operation: Operation, leaseMs: number): Prisma.Sql {
  const { id, paymentId, kind, attempts, correlationId, createdAt } = operation;
  const paymentMethod = kind === 'charge' ? operation.paymentMethod : null;
  return Prisma.sql`${id}::uuid, ${paymentId}::uuid, ${kind}, ${paymentMethod},
    now() + ${leaseMs}::int * interval '1 ms', ${attempts}::int, ${correlationId}, ${createdAt}::timestamptz`;
}
