import type { PaymentStatus } from '@warren/payment-contract';
import type { PaymentDb } from './database.js';

/** The payment that a webhook is about. */
export interface AffectedPayment {
  id: string;
  status: PaymentStatus;
}

/**
 * Makes the operation of a webhook due, so that a sweeper asks the provider for its state.
 *
 * For all kinds except refunds, this is the open operation of the payment. A settled operation is opened again only if
 * the provider can still change the result: if the payment requires action, or if the refund succeeded. An instance
 * that is asking the provider at this moment leaves the operation open, because the answer may be older than the
 * webhook. `reference` is stored if the operation has none.
 *
 * Takes a transaction. Resolves to the payment, or to `undefined` if there is no such operation.
 */
export async function reopenOperation(
  tx: PaymentDb,
  { operationId, reference }: { operationId: string; reference: string },
): Promise<AffectedPayment | undefined> {
  const [payment] = await tx.$queryRaw<AffectedPayment[]>`
    SELECT p.id, p.status FROM operations o JOIN payments p ON p.id = o.payment_id
    WHERE o.id = ${operationId}::uuid FOR UPDATE OF p`;
  if (payment === undefined) return undefined;
  // A separate statement: a statement that waited for the lock sees the operations as they were before.
  await tx.$executeRaw`
    WITH about AS MATERIALIZED (
      SELECT o.id, o.kind, p.status, r.status AS refund_status
      FROM operations o JOIN payments p ON p.id = o.payment_id LEFT JOIN refunds r ON r.id = o.id
      WHERE o.id = ${operationId}::uuid
    ), open AS MATERIALIZED (
      SELECT o.id FROM operations o CROSS JOIN about a
      WHERE o.payment_id = ${payment.id}::uuid AND o.settled_at IS NULL
        AND (o.id = a.id OR (o.kind <> 'refund' AND a.kind <> 'refund'))
    ), undecided AS MATERIALIZED (
      SELECT o.id FROM operations o JOIN about a ON a.id = o.id
      WHERE o.settled_at IS NOT NULL AND o.reference IS NOT NULL AND NOT EXISTS (SELECT FROM open)
        AND ((a.kind = 'charge' AND a.status = 'requires_action')
          OR (a.kind = 'refund' AND a.refund_status = 'succeeded'))
    )
    UPDATE operations SET settled_at = NULL, leased_until = now(), notices = notices + 1,
      reference = CASE WHEN id = ${operationId}::uuid THEN coalesce(reference, ${reference}) ELSE reference END
    WHERE id IN (SELECT id FROM open UNION ALL SELECT id FROM undecided)`;
  return payment;
}
