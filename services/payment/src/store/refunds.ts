import type { Refund, RefundStatus } from '@warren/payment-contract';
import type { Refund as RefundRow } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

function toRefund({ id, paymentId, amount, status, createdAt }: RefundRow): Refund {
  return {
    id,
    paymentId,
    amount: Number(amount),
    status: status as RefundStatus,
    createdAt: createdAt.toISOString(),
  };
}

export async function findRefund(db: PaymentDb, id: string): Promise<Refund | undefined> {
  const row = await db.refund.findUnique({ where: { id } });
  return row === null ? undefined : toRefund(row);
}

/** A payment's refunds, the newest first, older than `before`: at most `limit`. */
export async function listRefunds(
  db: PaymentDb,
  paymentId: string,
  { limit, before }: { limit: number; before?: string },
): Promise<Refund[]> {
  const rows = await db.refund.findMany({
    where: { paymentId, ...(before !== undefined && { id: { lt: before } }) },
    orderBy: { id: 'desc' },
    take: limit,
  });
  return rows.map(toRefund);
}
