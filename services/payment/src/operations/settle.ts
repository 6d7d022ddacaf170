import type { Payment } from '@warren/contracts';
import type { UnitOfWork } from '@warren/unit-of-work';
import type { Operation } from '../domain/operation.js';
import { applyChange, type Change } from '../domain/payment-machine.js';
import { announce } from '../events/announce.js';
import type { PaymentDb } from '../store/database.js';
import { lockOperation, saveSettled } from '../store/operations.js';

/**
 * The second transaction of a provider call: applies its outcome to the payment and closes the operation. Whoever
 * comes second, for example after a lost lease, finds it closed and changes nothing.
 */
export function settle(uow: UnitOfWork<PaymentDb>, operation: Operation, change: Change): Promise<Payment> {
  return uow.run(
    async (tx) => {
      const { payment, settled, gone } = await lockOperation(tx, operation);
      if (settled) return payment;
      const changed = applyChange(payment, change, new Date());
      await saveSettled(tx, operation, changed);
      announce(tx, changed, gone);
      return changed;
    },
    { cause: { correlationId: operation.correlationId } },
  );
}
