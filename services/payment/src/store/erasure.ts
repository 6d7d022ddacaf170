import type { PaymentDb } from './database.js';

/**
 * Takes away what a person wrote and what they paid with. Payments, refunds and books stay: they are owed to others.
 * An operation that is still open keeps its method until it is settled, or nobody could say what became of it.
 */
export async function erasePayer(db: PaymentDb, userId: string): Promise<void> {
  // Payments before operations, as everybody locks them.
  await db.$executeRaw`
    UPDATE payments SET description = NULL, version = version + 1, updated_at = now()
    WHERE payer_id = ${userId}::uuid AND description IS NOT NULL`;
  await db.$executeRaw`
    UPDATE operations o SET payment_method = NULL FROM payments p
    WHERE p.payer_id = ${userId}::uuid AND o.payment_id = p.id AND o.payment_method IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM operations open
        WHERE open.payment_id = p.id AND open.kind <> 'refund' AND open.settled_at IS NULL
      )`;
}

/** The method of a payment whose payer was erased while an operation was open. */
export async function forgetMethod(db: PaymentDb, paymentId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE operations SET payment_method = NULL WHERE payment_id = ${paymentId}::uuid AND kind = 'charge'`;
}
