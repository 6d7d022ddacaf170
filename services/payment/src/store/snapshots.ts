import type { paymentContract } from '@warren/payment-contract';
import type { SnapshotSource } from '@warren/unit-of-work';
import { stateOf } from '../domain/views.js';
import type { PaymentDb } from './database.js';
import { toPayment } from './payments.js';

export const paymentSnapshots: SnapshotSource<PaymentDb, typeof paymentContract> = {
  type: 'payment.snapshot',
  async page(db, after, limit) {
    const rows = await db.payment.findMany({
      where: after === undefined ? {} : { id: { gt: after } },
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map((row) => ({ subject: row.id, version: row.version, data: stateOf(toPayment(row)) }));
  },
};
