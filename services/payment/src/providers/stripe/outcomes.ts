import type Stripe from 'stripe';
import type { Operation, Outcome } from '../../domain/operation.js';

/** A PaymentIntent passes through its first states while it is made; one this old stays where it is. In milliseconds. */
const madeWithinMs = 3_600_000;

/**
 * What a PaymentIntent says became of an operation; `undefined`: nothing yet, the operation has still to be
 * performed.
 *
 * @see https://docs.stripe.com/payments/paymentintents/lifecycle
 */
export function outcomeOfIntent(intent: Stripe.PaymentIntent, operation: Operation): Outcome | undefined {
  const { kind } = operation;
  const reference = intent.id;
  if (isBeingMade(intent, operation)) return { to: 'pending', reference };
  switch (intent.status) {
    case 'succeeded':
      return { to: 'succeeded', reference };
    case 'processing':
      return { to: 'pending', reference };
    case 'requires_action':
    case 'requires_confirmation':
      return kind === 'charge' ? waiting(intent) : undefined;
    case 'requires_payment_method':
      return kind === 'cancel' ? undefined : { to: 'failed', failureCode: failureCodeOf(intent), reference };
    case 'canceled':
      return { to: 'canceled', reference };
    default:
      throw new Error(`Stripe has ${reference} in the unforeseen state ${intent.status}`);
  }
}

/**
 * Whether a charge may still be on its way through the states that it starts with: it was never declined, or nobody
 * knew of it before, so that no payer can have acted.
 */
function isBeingMade(intent: Stripe.PaymentIntent, { kind, createdAt, reference }: Operation): boolean {
  if (kind !== 'charge' || Date.now() - createdAt.getTime() > madeWithinMs) return false;
  if (intent.status === 'requires_payment_method') return !intent.last_payment_error;
  return intent.status === 'requires_confirmation' && reference === null;
}

/** The payer has to act; in `requires_confirmation` they did, and now this service has to. */
export function waiting(intent: Stripe.PaymentIntent): Outcome {
  const { id: reference, next_action: action, client_secret: clientSecret } = intent;
  return {
    to: 'requires_action',
    nextAction: { type: action?.type ?? 'confirm' },
    ...(clientSecret && { clientSecret }),
    reference,
  };
}

/** The code of the last decline. Reasons that a bank gives are not for the payer: they could warn a thief. */
function failureCodeOf({ last_payment_error: error }: Stripe.PaymentIntent): string {
  return error?.code ?? 'payment_failed';
}

/** @see https://docs.stripe.com/api/refunds/object#refund_object-status */
export function outcomeOfRefund(refund: Stripe.Refund): Outcome {
  const reference = refund.id;
  switch (refund.status) {
    case 'succeeded':
      return { to: 'succeeded', reference };
    case 'failed':
      return { to: 'failed', failureCode: refund.failure_reason ?? 'refund_failed', reference };
    case 'canceled':
      return { to: 'failed', failureCode: 'canceled', reference };
    default:
      return { to: 'pending', reference };
  }
}
