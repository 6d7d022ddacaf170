import type { PaymentStatus } from '@warren/payment-contract';
import type { PaymentDb } from './database.js';

/** A payment as a notice meets it. */
export interface NotedPayment {
  id: string;
  status: PaymentStatus;
}

/**
 * Has the sweepers ask the provider about an operation now, on the provider's own notice. For a charge or what
 * followed it: about the one that is open. One that is settled is opened again only where the provider can still
 * change its mind: a payment that requires action, a refund that had succeeded. Whoever is asking at this moment
 * leaves the operation open: what they were told may be older than the notice. `reference` is kept where the operation
 * has none: its answer was lost.
 *
 * Takes a transaction. Resolves to the payment that it is about, `undefined` if there is no such operation.
 */
export async function takeNotice(
  tx: PaymentDb,
  { operationId, reference }: { operationId: string; reference: string },
): Promise<NotedPayment | undefined> {
  const [payment] = await tx.$queryRaw<NotedPayment[]>`
    SELECT p.id, p.status FROM operations o JOIN payments p ON p.id = o.payment_id
    WHERE o.id = ${operationId}::uuid FOR UPDATE OF p`;
  if (payment === undefined) return undefined;
  // A statement of its own: one that waited for the lock would see the operations as they were before.
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
