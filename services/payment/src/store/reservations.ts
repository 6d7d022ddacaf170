import type { Payment, Refund } from '@warren/contracts';
import { checkPeople, type KnownPerson } from '../domain/new-payment.js';
import type { Operation } from '../domain/operation.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/**
 * Writes a new payment and its charge, with the lease that covers the call, in one statement. The copies of both
 * people are locked FOR SHARE first: whoever is erased meanwhile gets no payment afterwards.
 *
 * @throws AppError as `checkPeople`; nothing is written then.
 */
export async function reserveCharge(
  db: PaymentDb,
  payment: Payment,
  charge: Operation,
  { provider, leaseMs }: { provider: string; leaseMs: number },
): Promise<void> {
  const people = await db.$queryRaw<KnownPerson[]>`
    WITH people AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (${payment.payerId}::uuid, ${payment.recipientId}::uuid) ORDER BY id FOR SHARE
    ), payment AS (
      INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, description, provider, version,
        created_at, updated_at)
      SELECT ${payment.id}::uuid, ${payment.payerId}::uuid, ${payment.recipientId}::uuid,
        ${payment.amount}::bigint, ${payment.currency}, ${payment.status}, ${payment.description}, ${provider},
        ${payment.version}::int, ${charge.createdAt}::timestamptz, ${charge.createdAt}::timestamptz
      WHERE EXISTS (SELECT FROM people WHERE id = ${payment.recipientId}::uuid)
        AND NOT EXISTS (SELECT FROM people WHERE deleted)
      RETURNING id
    ), operation AS (
      INSERT INTO operations (${operationColumns})
      SELECT ${operationValues(charge, leaseMs)} FROM payment
    )
    SELECT id, deleted FROM people`;
  checkPeople(payment, people);
}

/** Writes a confirmation or a cancelation, and the payment as it is meanwhile. The payment must be locked. */
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

/** Writes a refund and its operation, and holds its amount. The payment must be locked. */
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

/** The method stands with the charge alone, so that an erasure finds it in one place. */
function operationValues(operation: Operation, leaseMs: number): Prisma.Sql {
  const { id, paymentId, kind, attempts, correlationId, createdAt } = operation;
  const paymentMethod = kind === 'charge' ? operation.paymentMethod : null;
  return Prisma.sql`${id}::uuid, ${paymentId}::uuid, ${kind}, ${paymentMethod},
    now() + ${leaseMs}::int * interval '1 ms', ${attempts}::int, ${correlationId}, ${createdAt}::timestamptz`;
}
