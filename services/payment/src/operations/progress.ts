import { AppError } from '@warren/contracts';
import type { Payment } from '@warren/payment-contract';
import type { PaymentContext } from '../context.js';
import type { Operation } from '../domain/operation.js';
import type { PaymentProvider } from '../providers/provider.js';
import { findOpenOperation, leaseOperations } from '../store/operations.js';
import { findPayment } from '../store/payments.js';
import type { ProviderCalls } from './provider-calls.js';
import type { Settled } from './settle.js';
import { resultWithin, type Timing } from './timing.js';

type Dependencies = Pick<PaymentContext, 'client'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  timing: Timing;
};

/** How far operations come while somebody waits for them, `answerWithinMs` at most; `undefined`: not settled yet. */
export interface Progress {
  /** Calls the provider for an operation that was reserved just now. */
  first(operation: Operation): Promise<Settled | undefined>;
  /** Joins the call for an operation that was reserved before, or takes it over if nobody has it. */
  goOn(operationId: string): Promise<Settled | undefined>;
  /** A payment as it stands, once `goOn` has done for it what it can. */
  reached(paymentId: string): Promise<Payment>;
}

export function createProgress({ client, provider, calls, timing }: Dependencies): Progress {
  async function takeOver(operationId: string): Promise<Settled | undefined> {
    const lease = { provider: provider.name, leaseMs: timing.leaseMs, limit: 1, operationId };
    const [operation] = await leaseOperations(client, lease);
    return operation && (await calls.run(operation, 'again'));
  }

  const goOn = (operationId: string) =>
    resultWithin(timing.answerWithinMs, calls.running(operationId) ?? takeOver(operationId));

  async function existing(paymentId: string): Promise<Payment> {
    const payment = await findPayment(client, paymentId);
    if (payment === undefined) throw new AppError('not-found');
    return payment;
  }

  return {
    first: (operation) => resultWithin(timing.answerWithinMs, calls.run(operation, 'first')),
    goOn,
    async reached(paymentId) {
      const operationId = await findOpenOperation(client, paymentId);
      const settled = operationId === undefined ? undefined : await goOn(operationId);
      return settled?.payment ?? (await existing(paymentId));
    },
  };
}
