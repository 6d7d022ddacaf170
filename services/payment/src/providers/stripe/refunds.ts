import type Stripe from 'stripe';
import type { Operation, Outcome } from '../../domain/operation.js';
import { toStripeAmount } from './amounts.js';
import { asking, StripeCallError } from './errors.js';
import { metadataOf, operationIdOf } from './metadata.js';
import { outcomeOfRefund } from './outcomes.js';

/** How many refunds of one payment are searched. Some of them may have been made elsewhere. */
const mostSearched = 1_000;

/** Refunds of PaymentIntents. */
export function refunds(stripe: Stripe) {
  async function perform(operation: Operation): Promise<Outcome> {
    const { id: idempotencyKey } = operation;
    const amount = toStripeAmount(operation.amount, operation.currency);
    if (amount === undefined) return { to: 'failed', failureCode: 'amount_not_supported' };
    const params = { payment_intent: intentOf(operation), amount, metadata: metadataOf(operation) };
    try {
      return outcomeOfRefund(await asking(() => stripe.refunds.create(params, { idempotencyKey })));
    } catch (error) {
      if (!(error instanceof StripeCallError && error.isRefusal)) throw error;
      return { to: 'failed', failureCode: error.code ?? error.type };
    }
  }

  async function retrieve(operation: Operation): Promise<Outcome | undefined> {
    const { reference } = operation;
    if (reference !== null) return outcomeOfRefund(await asking(() => stripe.refunds.retrieve(reference)));
    const found = await asking(() => find(operation));
    return found && outcomeOfRefund(found);
  }

  async function find(operation: Operation): Promise<Stripe.Refund | undefined> {
    let seen = 0;
    for await (const refund of stripe.refunds.list({ payment_intent: intentOf(operation), limit: 100 })) {
      if (operationIdOf(refund.metadata) === operation.id) return refund;
      seen += 1;
      if (seen >= mostSearched)
        throw new Error(`Payment ${operation.paymentId} has too many refunds to search`);
    }
    return undefined;
  }

  return { perform, retrieve };
}

function intentOf({ paymentId, paymentReference }: Operation): string {
  if (paymentReference === null) throw new Error(`The PaymentIntent of payment ${paymentId} is not known`);
  return paymentReference;
}
