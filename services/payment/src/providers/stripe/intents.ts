import type Stripe from 'stripe';
import type { Operation, Outcome } from '../../domain/operation.js';
import { toStripeAmount } from './amounts.js';
import { asking, StripeCallError } from './errors.js';
import { findLostIntent, type LostIntent } from './lost-intents.js';
import { metadataOf } from './metadata.js';
import { outcomeOfIntent, waiting } from './outcomes.js';

/** Charges, confirmations and cancelations, by PaymentIntents. */
export function intents(stripe: Stripe) {
  /**
   * Only this service can confirm the PaymentIntent (`manual`). With the client secret, the payer's browser can
   * authenticate the payer, but it can neither move money nor try another card.
   */
  async function charge(operation: Operation): Promise<Outcome> {
    const { id: idempotencyKey, currency, paymentMethod } = operation;
    const amount = toStripeAmount(operation.amount, currency);
    if (amount === undefined) return { to: 'failed', failureCode: 'amount_not_supported' };
    if (paymentMethod === null) throw new Error('The payment method is gone');
    const params: Stripe.PaymentIntentCreateParams = {
      amount,
      currency: currency.toLowerCase(),
      payment_method: paymentMethod,
      allowed_payment_method_types: ['card'],
      confirm: true,
      confirmation_method: 'manual',
      use_stripe_sdk: true,
      metadata: metadataOf(operation),
    };
    return answerTo(operation, () => stripe.paymentIntents.create(params, { idempotencyKey }));
  }

  /** Confirms only if the payer has authenticated. Before that, a confirmation would restart the authentication. */
  async function confirm(operation: Operation): Promise<Outcome> {
    const intent = await find(operation);
    if (intent.status === 'requires_action') return waiting(intent);
    const known = outcomeOfIntent(intent, operation);
    if (known !== undefined) return known;
    const params = { use_stripe_sdk: true };
    const options = { idempotencyKey: operation.id };
    return answerTo(operation, () => stripe.paymentIntents.confirm(intent.id, params, options));
  }

  async function cancel(operation: Operation): Promise<Outcome> {
    const { id } = await find(operation);
    const options = { idempotencyKey: operation.id };
    return answerTo(operation, () => stripe.paymentIntents.cancel(id, {}, options));
  }

  /** The outcome of a call that changes a PaymentIntent. Some errors are outcomes too. */
  async function answerTo(operation: Operation, call: () => Promise<Stripe.PaymentIntent>): Promise<Outcome> {
    try {
      return decided(await asking(call), operation);
    } catch (error) {
      if (!(error instanceof StripeCallError)) throw error;
      if (error.isUnexpectedState) return decided(await find(operation), operation);
      if (error.isDecline || (error.isRefusal && operation.kind === 'charge')) {
        const reference = error.intentId ?? operation.paymentReference ?? undefined;
        const failureCode = error.code ?? error.type;
        return { to: 'failed', failureCode, ...(reference && { reference }) };
      }
      throw error;
    }
  }

  async function find(operation: Operation): Promise<Stripe.PaymentIntent> {
    const intent = await lookUp(operation);
    if (typeof intent === 'object') return intent;
    throw new Error(`Stripe has no PaymentIntent of payment ${operation.paymentId}`);
  }

  /** Reads the PaymentIntent by its id even if the search found it, because the search may be out of date. */
  async function lookUp(operation: Operation): Promise<Stripe.PaymentIntent | Extract<LostIntent, string>> {
    const known = operation.paymentReference ?? operation.reference;
    const found = known === null ? await findLostIntent(stripe, operation) : { id: known };
    return typeof found === 'object' ? asking(() => stripe.paymentIntents.retrieve(found.id)) : found;
  }

  return {
    perform: { charge, confirm, cancel },
    async retrieve(operation: Operation): Promise<Outcome | undefined> {
      const intent = await lookUp(operation);
      if (intent === 'never-made') return { to: 'failed', failureCode: 'charge_lost' };
      return intent === 'unseen' ? undefined : outcomeOfIntent(intent, operation);
    },
  };
}

/** The outcome of an operation that was just performed on this PaymentIntent. */
function decided(intent: Stripe.PaymentIntent, operation: Operation): Outcome {
  if (intent.status === 'requires_action' && operation.kind === 'confirm') return waiting(intent);
  const outcome = outcomeOfIntent(intent, operation);
  if (outcome !== undefined) return outcome;
  throw new Error(`Stripe left ${intent.id} in ${intent.status} after ${operation.kind}`);
}
