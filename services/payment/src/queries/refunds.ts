import type { Refund } from '@warren/payment-contract';
import type { PaymentDb } from '../store/database.js';
import { toRefund } from '../store/refunds.js';

/** At most `limit` refunds of a payment, newest first, older than the refund `before`. */
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
