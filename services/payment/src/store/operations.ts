import type { Payment } from '@warren/contracts';
import type { Operation } from '../domain/operation.js';
import { type Payment as PaymentRow, Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';
import { paymentColumns, toPayment } from './payments.js';

export interface LockedOperation {
  payment: Payment;
  settled: boolean;
  /** Ids of those of the two people who were erased: nothing may be written for them any more. */
  gone: readonly string[];
}

/** Locks the operation and its payment for this transaction, and the copies of both people against erasure. */
export async function lockOperation(db: PaymentDb, operation: Operation): Promise<LockedOperation> {
  const [row] = await db.$queryRaw<(PaymentRow & { settled: boolean; gone: string[] })[]>`
    WITH people AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (${operation.payerId}::uuid, ${operation.recipientId}::uuid) ORDER BY id FOR SHARE
    )
    SELECT ${paymentColumns}, o.settled_at IS NOT NULL AS settled,
      ARRAY(SELECT id::text FROM people WHERE deleted) AS gone
    FROM operations o JOIN payments p ON p.id = o.payment_id
    WHERE o.id = ${operation.id}::uuid
    FOR UPDATE OF p, o`;
  if (row === undefined) throw new Error(`Operation ${operation.id} is not in the database`);
  const { settled, gone, ...payment } = row;
  return { payment: toPayment(payment), settled, gone };
}

/** Writes the changed payment and closes the operation. Both must be locked. */
export async function saveSettled(db: PaymentDb, operation: Operation, payment: Payment): Promise<void> {
  await db.$executeRaw`
    WITH closed AS (
      UPDATE operations SET settled_at = now(), leased_until = NULL WHERE id = ${operation.id}::uuid
    )
    UPDATE payments SET status = ${payment.status}, failure_code = ${payment.failureCode ?? null},
      next_action = ${payment.nextAction ? JSON.stringify(payment.nextAction) : null}::jsonb,
      client_secret = ${payment.clientSecret ?? null}, version = ${payment.version}::int,
      updated_at = ${payment.updatedAt}::timestamptz
    WHERE id = ${payment.id}::uuid`;
}

export interface LeaseOptions {
  leaseMs: number;
  /** At most so many. */
  limit: number;
  /** Only of this payment. */
  paymentId?: string;
}

/** Takes open operations whose lease ran out, oldest first. Another instance gets others, or none. */
export async function leaseOperations(db: PaymentDb, options: LeaseOptions): Promise<Operation[]> {
  const { leaseMs, limit, paymentId } = options;
  const ofPayment = paymentId === undefined ? Prisma.empty : Prisma.sql`AND payment_id = ${paymentId}::uuid`;
  const rows = await db.$queryRaw<(Omit<Operation, 'amount'> & { amount: bigint })[]>`
    UPDATE operations o SET leased_until = now() + ${leaseMs}::int * interval '1 ms', attempts = attempts + 1
    FROM payments p
    WHERE p.id = o.payment_id AND o.id IN (
      SELECT id FROM operations WHERE settled_at IS NULL AND leased_until <= now() ${ofPayment}
      ORDER BY leased_until LIMIT ${limit}::int FOR UPDATE SKIP LOCKED
    )
    RETURNING o.id, o.payment_id AS "paymentId", o.kind, o.payment_method AS "paymentMethod",
      p.payer_id AS "payerId", p.recipient_id AS "recipientId", p.amount, p.currency, o.attempts,
      o.correlation_id AS "correlationId", o.created_at AS "createdAt"`;
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}

/** Gives the lease back, so that the next look at the operation comes in `delayMs`. */
export async function postponeOperation(db: PaymentDb, operation: Operation, delayMs: number): Promise<void> {
  await db.$executeRaw`
    UPDATE operations SET leased_until = now() + ${delayMs}::int * interval '1 ms'
    WHERE id = ${operation.id}::uuid AND settled_at IS NULL AND attempts = ${operation.attempts}::int`;
}
