import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/** How many payments one transaction erases, so that each transaction is short. */
const batchSize = 1_000;
const noId = '00000000-0000-0000-0000-000000000000';

/**
 * Erases the descriptions, payment methods and client secrets of a payer. Payments, refunds and ledger entries stay,
 * because they concern other people too. An open operation keeps its method until it is settled, because the provider
 * needs it. Payments that require the payer's action are canceled by the sweepers.
 *
 * This transaction erases the first payments; `eraseNextPayments` erases the rest. The tombstone must exist already.
 */
export async function erasePayer(db: PaymentDb, userId: string, correlationId: string): Promise<void> {
  await erasePaymentsAfter(db, { id: userId, after: noId }, correlationId);
}

/** Erases more payments of one deleted person. Resolves to false if no person has payments left to erase. */
export async function eraseNextPayments(db: PaymentDb, correlationId: string): Promise<boolean> {
  // Ordered by the column, not by the selected text of the same name, so that the index can be used.
  const [payer] = await db.$queryRaw<Payer[]>`
    SELECT id::text, erase_after::text AS after FROM user_copies WHERE erase_after IS NOT NULL
    ORDER BY user_copies.id LIMIT 1 FOR UPDATE SKIP LOCKED`;
  if (payer === undefined) return false;
  await erasePaymentsAfter(db, payer, correlationId);
  return true;
}

interface Payer {
  id: string;
  /** Payments with greater ids are not erased yet. */
  after: string;
}

async function erasePaymentsAfter(
  db: PaymentDb,
  { id: payerId, after }: Payer,
  correlationId: string,
): Promise<void> {
  // All transactions lock payments before operations. Ordered by the column, as above.
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM payments WHERE payer_id = ${payerId}::uuid AND id > ${after}::uuid
    ORDER BY payments.id LIMIT ${batchSize}::int FOR UPDATE`;
  const ids = rows.map(({ id }) => id);
  await db.$executeRaw`
    UPDATE payments SET description = NULL, next_action = NULL, client_secret = NULL, version = version + 1,
      updated_at = now()
    WHERE id = ANY(${ids}::uuid[])
      AND (description IS NOT NULL OR next_action IS NOT NULL OR client_secret IS NOT NULL)`;
  await db.$executeRaw`
    UPDATE operations o SET payment_method = NULL
    WHERE o.payment_id = ANY(${ids}::uuid[]) AND o.kind = 'charge' AND o.payment_method IS NOT NULL
      AND NOT ${isUnderWay('o.payment_id')}`;
  await cancelUnconfirmed(db, Prisma.sql`p.id = ANY(${ids}::uuid[])`, correlationId);
  const left = ids.length === batchSize ? ids.at(-1) : null;
  await db.$executeRaw`
    UPDATE user_copies SET erase_after = ${left}::uuid
    WHERE id = ${payerId}::uuid AND erase_after IS DISTINCT FROM ${left}::uuid`;
}

/** Erases what `erasePayer` left because an operation on the payment was open. The payment must be locked. */
export async function forgetPayer(db: PaymentDb, paymentId: string, correlationId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE operations SET payment_method = NULL WHERE payment_id = ${paymentId}::uuid AND kind = 'charge'`;
  await cancelUnconfirmed(db, Prisma.sql`p.id = ${paymentId}::uuid`, correlationId);
}

/** Adds a cancelation for payments that only their deleted payer could confirm. The payments must be locked. */
async function cancelUnconfirmed(db: PaymentDb, which: Prisma.Sql, correlationId: string): Promise<void> {
  await db.$executeRaw`
    INSERT INTO operations (id, payment_id, kind, leased_until, attempts, correlation_id, created_at)
    SELECT gen_random_uuid(), p.id, 'cancel', now(), 0, ${correlationId}, now() FROM payments p
    WHERE ${which} AND p.status = 'requires_action'
      AND NOT ${isUnderWay('p.id')}`;
}

/** Whether an operation other than a refund is open. Takes the column with the payment's id. */
function isUnderWay(paymentId: 'p.id' | 'o.payment_id'): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT FROM operations open
    WHERE open.payment_id = ${Prisma.raw(paymentId)} AND open.kind <> 'refund' AND open.settled_at IS NULL
  )`;
}
