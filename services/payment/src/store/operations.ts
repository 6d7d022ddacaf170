import type { Operation } from '../domain/operation.js';
import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

export interface LeaseOptions {
  /** Only operations on payments of this provider. */
  provider: string;
  leaseMs: number;
  /** Maximum number of operations. */
  limit: number;
  /** Only this operation. */
  operationId?: string;
}

/** Leases open operations whose lease expired, oldest first. Each operation goes to one instance. */
export async function leaseOperations(db: PaymentDb, options: LeaseOptions): Promise<Operation[]> {
  const { provider, leaseMs, limit, operationId } = options;
  const one = operationId === undefined ? Prisma.empty : Prisma.sql`AND o.id = ${operationId}::uuid`;
  const rows = await db.$queryRaw<(Omit<Operation, 'amount'> & { amount: bigint })[]>`
    WITH due AS MATERIALIZED (
      SELECT o.id FROM operations o JOIN payments p ON p.id = o.payment_id
      WHERE o.settled_at IS NULL AND o.leased_until <= now() AND p.provider = ${provider} ${one}
      ORDER BY o.leased_until LIMIT ${limit}::int FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE operations o SET leased_until = now() + ${leaseMs}::int * interval '1 ms', attempts = o.attempts + 1
    FROM due, payments p, operations c
    WHERE o.id = due.id AND p.id = o.payment_id AND c.payment_id = o.payment_id AND c.kind = 'charge'
    RETURNING o.id, o.payment_id AS "paymentId", o.kind, p.payer_id AS "payerId",
      p.recipient_id AS "recipientId", coalesce((SELECT amount FROM refunds r WHERE r.id = o.id), p.amount) AS amount,
      p.currency, c.payment_method AS "paymentMethod", o.reference, c.reference AS "paymentReference", o.attempts,
      o.notices AS webhooks, o.correlation_id AS "correlationId", o.created_at AS "createdAt"`;
  return rows.map((row) => ({ ...row, amount: Number(row.amount) }));
}

/** Returns the lease. The operation is due in `delayMs`, or at once if a webhook arrived since it was leased. */
export async function postponeOperation(
  db: PaymentDb,
  operation: Operation,
  delayMs: number,
  reference: string | undefined,
): Promise<void> {
  await db.$executeRaw`
    UPDATE operations SET reference = coalesce(${reference ?? null}, reference),
      leased_until = CASE WHEN attempts = ${operation.attempts}::int AND notices = ${operation.webhooks}::int
        THEN now() + ${delayMs}::int * interval '1 ms' ELSE leased_until END
    WHERE id = ${operation.id}::uuid AND settled_at IS NULL`;
}

/** The id of the open operation on the payment, refunds excluded. There is at most one. */
export async function findOpenOperation(db: PaymentDb, paymentId: string): Promise<string | undefined> {
  const row = await db.operation.findFirst({
    where: { paymentId, settledAt: null, kind: { not: 'refund' } },
    select: { id: true },
  });
  return row?.id;
}
