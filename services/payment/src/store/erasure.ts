import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/**
 * Takes away what a person wrote, what they paid with and what they would have needed to go on. Payments, refunds and
 * books stay: they are owed to others. An operation that is still open keeps its method until it is settled, or nobody
 * could say what became of it. What waits for the person is canceled by the sweepers.
 */
export async function erasePayer(db: PaymentDb, userId: string, correlationId: string): Promise<void> {
  // Payments before operations, as everybody locks them.
  await db.$executeRaw`
    UPDATE payments SET description = NULL, next_action = NULL, client_secret = NULL, version = version + 1,
      updated_at = now()
    WHERE payer_id = ${userId}::uuid
      AND (description IS NOT NULL OR next_action IS NOT NULL OR client_secret IS NOT NULL)`;
  await db.$executeRaw`
    UPDATE operations o SET payment_method = NULL FROM payments p
    WHERE p.payer_id = ${userId}::uuid AND o.payment_id = p.id AND o.kind = 'charge' AND o.payment_method IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM operations open
        WHERE open.payment_id = p.id AND open.kind <> 'refund' AND open.settled_at IS NULL
      )`;
  await cancelWaiting(db, Prisma.sql`p.payer_id = ${userId}::uuid`, correlationId);
}

/** What is left of a payer who was erased while an operation on their payment was open. The payment must be locked. */
export async function forgetPayer(db: PaymentDb, paymentId: string, correlationId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE operations SET payment_method = NULL WHERE payment_id = ${paymentId}::uuid AND kind = 'charge'`;
  await cancelWaiting(db, Prisma.sql`p.id = ${paymentId}::uuid`, correlationId);
}

/** Nobody will ever confirm what waits for a person who is gone. The payments must be locked. */
async function cancelWaiting(db: PaymentDb, which: Prisma.Sql, correlationId: string): Promise<void> {
  await db.$executeRaw`
    INSERT INTO operations (id, payment_id, kind, leased_until, attempts, correlation_id, created_at)
    SELECT gen_random_uuid(), p.id, 'cancel', now(), 0, ${correlationId}, now() FROM payments p
    WHERE ${which} AND p.status = 'requires_action'
      AND NOT EXISTS (
        SELECT FROM operations open
        WHERE open.payment_id = p.id AND open.kind <> 'refund' AND open.settled_at IS NULL
      )`;
}
