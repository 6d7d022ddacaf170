import type { Payment, Refund } from '@warren/payment-contract';
import type { PaymentUow } from '../context.js';
import type { DecidedOutcome, Operation } from '../domain/operation.js';
import { type Settlement, settlementOf } from '../domain/settlement.js';
import { stateOf } from '../domain/views.js';
import { announce } from '../events/announce.js';
import { forgetPayer } from '../store/erasure.js';
import { lockOperation } from '../store/locks.js';
import { saveSettlement } from '../store/settlements.js';

/** How things stand once an operation is settled. */
export interface Settled {
  payment: Payment;
  /** Of a refund only. */
  refund?: Refund;
}

/**
 * The second transaction of a provider call: applies its outcome to the payment, writes the books and closes the
 * operation. Whoever comes second, for example after a lost lease, finds it closed and changes nothing.
 */
export function settle(uow: PaymentUow, operation: Operation, outcome: DecidedOutcome): Promise<Settled> {
  return uow.run(
    async (tx) => {
      const { settled, gone, provider, ...before } = await lockOperation(tx, operation);
      if (settled) return before;
      const found = settlementOf(before, operation, outcome, provider, new Date());
      const payerIsGone = gone.includes(before.payment.payerId);
      const after = payerIsGone ? { ...found, payment: stateOf(found.payment) } : found;
      await saveSettlement(tx, operation, after, outcome.reference);
      if (payerIsGone) await forgetPayer(tx, operation.paymentId, operation.correlationId);
      const type = after.news && newsTypes[after.news];
      if (after.news) announce(tx, after.payment, { gone, ...(type && { type }) });
      return after;
    },
    // Money that has moved is written down, however much waits for the broker.
    { cause: { correlationId: operation.correlationId }, admit: false },
  );
}

/** The event of each kind of news; that of a new status goes by the status. */
const newsTypes = {
  status: undefined,
  refunded: 'payment.refunded',
  'refund-failed': 'payment.refund-failed',
} as const satisfies Record<NonNullable<Settlement['news']>, string | undefined>;
