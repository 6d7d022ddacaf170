import type { Payment } from '@warren/contracts';
import { checkPeople, type KnownPerson } from '../domain/new-payment.js';
import type { Operation } from '../domain/operation.js';
import type { PaymentDb } from './database.js';

/**
 * Writes a new payment and its charge, with the lease that covers the call, in one statement. The copies of both
 * people are locked FOR SHARE first: whoever is erased meanwhile gets no payment afterwards.
 *
 * @throws AppError as `checkPeople`; nothing is written then.
 */
export async function reserve(
  db: PaymentDb,
  payment: Payment,
  charge: Operation,
  leaseMs: number,
): Promise<void> {
  const people = await db.$queryRaw<KnownPerson[]>`
    WITH people AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (${payment.payerId}::uuid, ${payment.recipientId}::uuid) ORDER BY id FOR SHARE
    ), payment AS (
      INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, description, version,
        created_at, updated_at)
      SELECT ${payment.id}::uuid, ${payment.payerId}::uuid, ${payment.recipientId}::uuid,
        ${payment.amount}::bigint, ${payment.currency}, ${payment.status}, ${payment.description},
        ${payment.version}::int, ${charge.createdAt}::timestamptz, ${charge.createdAt}::timestamptz
      WHERE EXISTS (SELECT FROM people WHERE id = ${payment.recipientId}::uuid)
        AND NOT EXISTS (SELECT FROM people WHERE deleted)
      RETURNING id
    ), operation AS (
      INSERT INTO operations (id, payment_id, kind, payment_method, leased_until, attempts, correlation_id, created_at)
      SELECT ${charge.id}::uuid, payment.id, ${charge.kind}, ${charge.paymentMethod},
        now() + ${leaseMs}::int * interval '1 ms', ${charge.attempts}::int, ${charge.correlationId},
        ${charge.createdAt}::timestamptz
      FROM payment
    )
    SELECT id, deleted FROM people`;
  checkPeople(payment, people);
}
