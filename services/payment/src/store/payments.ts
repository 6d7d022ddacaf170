import type { NextAction, Payment, PaymentStatus } from '@warren/payment-contract';
import { type Payment as PaymentRow, Prisma } from '../generated/prisma/client.js';

/** The columns of `payments p` with Prisma's names, so that rows of raw queries have Prisma's type. */
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

/** Amounts fit into a JavaScript number, because the contract's maximum is far below 2^53. */
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
