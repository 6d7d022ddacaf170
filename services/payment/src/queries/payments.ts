import type { Payment } from '@warren/payment-contract';
import type { PaymentDb } from '../store/database.js';
import { toPayment } from '../store/payments.js';

export async function findPayment(db: PaymentDb, id: string): Promise<Payment | undefined> {
  const row = await db.payment.findUnique({ where: { id } });
  return row === null ? undefined : toPayment(row);
}

/**
 * At most `limit` payments that this reader made or received, newest first, older than the payment `before`.
 *
 * It runs two queries, one for each index, because a single query with OR would sort all payments of the reader.
 */
export async function listPayments(
  db: PaymentDb,
  readerId: string,
  { limit, before }: { limit: number; before?: string },
): Promise<Payment[]> {
  const page = { orderBy: { id: 'desc' }, take: limit } as const;
  const older = before === undefined ? {} : { id: { lt: before } };
  const paid = await db.payment.findMany({ where: { payerId: readerId, ...older }, ...page });
  const received = await db.payment.findMany({
    where: { recipientId: readerId, status: 'succeeded', ...older },
    ...page,
  });
  const newestFirst = [...paid, ...received].sort((a, b) => (a.id < b.id ? 1 : -1));
  return newestFirst.slice(0, limit).map(toPayment);
}
