import type { Refund, RefundStatus } from '@warren/payment-contract';
import type { Refund as RefundRow } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

export function toRefund({ id, paymentId, amount, status, createdAt }: RefundRow): Refund {
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
