import type { NextAction, Payment, PaymentStatus } from '@warren/payment-contract';
import { type Payment as PaymentRow, Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';

/** The columns of `payments p`, named as Prisma names them, so that raw rows and Prisma's are one shape. */
export const paymentColumns = Prisma.raw(
  Object.entries({
    id: 'id',
    payerId: 'payer_id',
    recipientId: 'recipient_id',
    amount: 'amount',
    currency: 'currency',
    amountRefunded: 'amount_refunded',
    refundsPending: 'refunds_pending',
    provider: 'provider',
    status: 'status',
    description: 'description',
    failureCode: 'failure_code',
    nextAction: 'next_action',
    clientSecret: 'client_secret',
    version: 'version',
    createdAt: 'created_at',
    updatedAt: 'updated_at',
  } satisfies Record<keyof PaymentRow, string>)
    .map(([name, column]) => `p.${column} AS "${name}"`)
    .join(', '),
);

/** Amounts fit a JavaScript number: the contract's largest is far below 2^53. */
export function toPayment(row: PaymentRow): Payment {
  const { id, payerId, recipientId, currency, description, version } = row;
  const { amount, amountRefunded, failureCode, nextAction, clientSecret, createdAt, updatedAt } = row;
  return {
    id,
    payerId,
    recipientId,
    currency,
    description,
    version,
    status: row.status as PaymentStatus,
    amount: Number(amount),
    amountRefunded: Number(amountRefunded),
    ...(failureCode !== null && { failureCode }),
    ...(nextAction !== null && { nextAction: nextAction as NextAction }),
    ...(clientSecret !== null && { clientSecret }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

export async function findPayment(db: PaymentDb, id: string): Promise<Payment | undefined> {
  const row = await db.payment.findUnique({ where: { id } });
  return row === null ? undefined : toPayment(row);
}

/**
 * The newest payments that this reader has part in, older than `before`: at most `limit`.
 *
 * Two reads, one along each index, since one read with OR would sort everything the reader ever did.
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
