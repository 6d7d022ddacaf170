import type { Operation, OperationKind } from '../domain/operation.js';
import type { Situation } from '../domain/settlement.js';
import { type Payment as PaymentRow, Prisma } from '../generated/prisma/client.js';
import type { PaymentDb } from './database.js';
import { paymentColumns, toPayment } from './payments.js';
import { findRefund } from './refunds.js';

interface Held extends Situation {
  /** The provider that charged the payment. */
  provider: string;
  /** Ids of the payer and the recipient, if they were erased. Nothing may be written for them. */
  gone: readonly string[];
}

/** A payment that this transaction has locked. */
export interface HeldPayment extends Held {
  charge: ChargeFacts;
  /** The kind of the open operation on the payment, if there is one. Refunds don't count. */
  open: OperationKind | null;
  /** Refunds of the payment so far, whatever their outcomes. */
  refundsMade: number;
  /** Confirmations of the payment so far, whatever their outcomes. */
  confirmationsMade: number;
}

type Facts = Pick<HeldPayment, 'charge' | 'open' | 'refundsMade' | 'confirmationsMade'>;

interface ChargeFacts {
  paymentMethod: string | null;
  /** The provider's id of the payment. */
  reference: string | null;
}

/** An operation that this transaction has locked, with its payment. */
export interface HeldOperation extends Held {
  settled: boolean;
}

/** Locks the payment for this transaction, and the copies of both people against erasure. */
export async function lockPayment(db: PaymentDb, paymentId: string): Promise<HeldPayment | undefined> {
  const [row] = await db.$queryRaw<HeldRow[]>`
    WITH people AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (SELECT unnest(ARRAY[payer_id, recipient_id]) FROM payments WHERE id = ${paymentId}::uuid)
      ORDER BY id FOR SHARE
    )
    SELECT ${heldColumns} FROM ${gonePeople} CROSS JOIN payments p
    WHERE p.id = ${paymentId}::uuid
    FOR UPDATE OF p`;
  if (row === undefined) return undefined;
  return { ...toHeld(row), ...(await factsOf(db, paymentId)) };
}

/** Locks an operation and its payment for this transaction, and the copies of both people against erasure. */
export async function lockOperation(db: PaymentDb, operation: Operation): Promise<HeldOperation> {
  const [row] = await db.$queryRaw<(HeldRow & { settled: boolean })[]>`
    WITH people AS MATERIALIZED (
      SELECT id, deleted FROM user_copies
      WHERE id IN (${operation.payerId}::uuid, ${operation.recipientId}::uuid) ORDER BY id FOR SHARE
    )
    SELECT ${heldColumns}, o.settled_at IS NOT NULL AS settled
    FROM ${gonePeople} CROSS JOIN operations o JOIN payments p ON p.id = o.payment_id
    WHERE o.id = ${operation.id}::uuid
    FOR UPDATE OF p, o`;
  if (row === undefined) throw new Error(`Operation ${operation.id} is not in the database`);
  const refund = operation.kind === 'refund' ? await findRefund(db, operation.id) : undefined;
  return { ...toHeld(row), settled: row.settled, ...(refund && { refund }) };
}

type HeldRow = PaymentRow & { gone: string[] };

const heldColumns = Prisma.sql`${paymentColumns}, g.gone`;

/** Joined, so that the people are locked before the payment. An erasure locks in the same order. */
const gonePeople = Prisma.sql`(
  SELECT coalesce(array_agg(id::text) FILTER (WHERE deleted), '{}') AS gone FROM people
) g`;

function toHeld({ gone, ...row }: HeldRow): Held {
  const { provider, refundsPending } = row;
  return { payment: toPayment(row), provider, refundsPending: Number(refundsPending), gone };
}

/** A separate statement: a statement that waited for the lock sees the other tables as they were before. */
async function factsOf(db: PaymentDb, paymentId: string): Promise<Facts> {
  const [row] = await db.$queryRaw<(ChargeFacts & Omit<Facts, 'charge'>)[]>`
    SELECT c.payment_method AS "paymentMethod", c.reference, (
      SELECT kind FROM operations WHERE payment_id = c.payment_id AND kind <> 'refund' AND settled_at IS NULL
    ) AS open, (SELECT count(*)::int FROM refunds WHERE payment_id = c.payment_id) AS "refundsMade", (
      SELECT count(*)::int FROM operations WHERE payment_id = c.payment_id AND kind = 'confirm'
    ) AS "confirmationsMade"
    FROM operations c WHERE c.payment_id = ${paymentId}::uuid AND c.kind = 'charge'`;
  if (row === undefined) throw new Error(`Payment ${paymentId} has no charge in the database`);
  const { paymentMethod, reference, ...facts } = row;
  return { charge: { paymentMethod, reference }, ...facts };
}
