import { AppError } from '@warren/contracts';
import type { Payment } from '@warren/payment-contract';
import { withFallback } from '@warren/timing';
import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import { findPayment } from '../queries/payments.js';
import { findOpenOperation } from '../store/operations.js';
import type { Durations } from './durations.js';
import type { LeaseOperations } from './lease-operations.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Settled } from './settle.js';

type Dependencies = Pick<PaymentContext, 'client'> & {
  calls: ProviderCalls;
  leaseOperations: LeaseOperations;
  durations: Durations;
};

/** Waits for operations, `answerWithinMs` at most. `undefined` means that the operation is not settled yet. */
export interface Progress {
  /** Calls the provider for an operation that was just reserved. */
  first(operation: Operation): Promise<Settled | undefined>;
  /** Waits for the call of an operation that was reserved before, or takes the operation over if no instance has it. */
  resume(operationId: string): Promise<Settled | undefined>;
  /** The payment in the state that it has reached, after `resume` for its open operation. */
  reached(paymentId: string): Promise<Payment>;
}

export function createProgress({ client, calls, leaseOperations, durations }: Dependencies): Progress {
  async function takeOver(operationId: string): Promise<Settled | undefined> {
    const [operation] = await leaseOperations({ limit: 1, operationId });
    return operation && (await calls.run(operation, 'again'));
  }

  const resume = (operationId: string) =>
    withFallback(calls.running(operationId) ?? takeOver(operationId), durations.answerWithinMs, undefined);

  async function currentPayment(paymentId: string): Promise<Payment> {
    const payment = await findPayment(client, paymentId);
    if (payment === undefined) throw new AppError('not-found');
    return payment;
  }

  return {
    first: (operation) => withFallback(calls.run(operation, 'first'), durations.answerWithinMs, undefined),
    resume,
    async reached(paymentId) {
      const operationId = await findOpenOperation(client, paymentId);
      const settled = operationId === undefined ? undefined : await resume(operationId);
      return settled?.payment ?? (await currentPayment(paymentId));
    },
  };
}
