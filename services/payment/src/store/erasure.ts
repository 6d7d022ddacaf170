import { Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/** Payments that one transaction erases, so that none takes long, however many somebody has made. */
const atOnce = 1_000;
const noId = '00000000-0000-0000-0000-000000000000';

/**
 * Takes away what a person wrote, what they paid with and what they would have needed to go on. Payments, refunds and
 * books stay: they are owed to others. An operation that is still open keeps its method until it is settled, or nobody
 * could say what became of it. What waits for the person is canceled by the sweepers.
 *
 * This transaction erases the first payments, those of `eraseMore` the rest. The tombstone must be there already.
 */
export async function erasePayer(db: PaymentDb, userId: string, correlationId: string): Promise<void> {
  await eraseAfter(db, { id: userId, after: noId }, correlationId);
}

/** Goes on with one person of whose payments some are still to be erased; false if there is nobody. */
export async function eraseMore(db: PaymentDb, correlationId: string): Promise<boolean> {
  // Ordered by the column and not by the selected text of the same name, so that the index gives the order.
  const [payer] = await db.$queryRaw<Payer[]>`
    SELECT id::text, erase_after::text AS after FROM user_copies WHERE erase_after IS NOT NULL
    ORDER BY user_copies.id LIMIT 1 FOR UPDATE SKIP LOCKED`;
  if (payer === undefined) return false;
  await eraseAfter(db, payer, correlationId);
  return true;
}

interface Payer {
  id: string;
  /** The payments with greater ids are looked at. */
  after: string;
}

async function eraseAfter(
  db: PaymentDb,
  { id: payerId, after }: Payer,
  correlationId: string,
): Promise<void> {
  // Payments before operations, as everybody locks them; ordered by the column, as above.
  const rows = await db.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM payments WHERE payer_id = ${payerId}::uuid AND id > ${after}::uuid
    ORDER BY payments.id LIMIT ${atOnce}::int FOR UPDATE`;
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
  await cancelWaiting(db, Prisma.sql`p.id = ANY(${ids}::uuid[])`, correlationId);
  const left = ids.length === atOnce ? ids.at(-1) : null;
  await db.$executeRaw`
    UPDATE user_copies SET erase_after = ${left}::uuid
    WHERE id = ${payerId}::uuid AND erase_after IS DISTINCT FROM ${left}::uuid`;
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
      AND NOT ${isUnderWay('p.id')}`;
}

/** Whether an operation on the payment itself is open; refunds don't count. Takes the column with the payment's id. */
function isUnderWay(paymentId: 'p.id' | 'o.payment_id'): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT FROM operations open
    WHERE open.payment_id = ${Prisma.raw(paymentId)} AND open.kind <> 'refund' AND open.settled_at IS NULL
  )`;
}
