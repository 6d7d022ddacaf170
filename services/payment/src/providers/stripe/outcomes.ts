import type Stripe from 'stripe';
import type { Operation, Outcome } from '../../domain/operation.js';

/** A PaymentIntent passes through its first states while Stripe makes it. After this time, it stays in its state. */
const madeWithinMs = 3_600_000;

/**
 * The outcome of an operation according to its PaymentIntent; `undefined` if the operation was not performed yet.
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
 * Whether Stripe may still be making the PaymentIntent of a charge: it was never declined, or its id was unknown, so
 * that its payer cannot have acted.
 */
function isBeingMade(intent: Stripe.PaymentIntent, { kind, createdAt, reference }: Operation): boolean {
  if (kind !== 'charge' || Date.now() - createdAt.getTime() > madeWithinMs) return false;
  if (intent.status === 'requires_payment_method') return !intent.last_payment_error;
  return intent.status === 'requires_confirmation' && reference === null;
}

/** The payer has to act. In `requires_confirmation`, they have acted and this service has to confirm. */
export function waiting(intent: Stripe.PaymentIntent): Outcome {
  const { id: reference, next_action: action, client_secret: clientSecret } = intent;
  return {
    to: 'requires_action',
    nextAction: { type: action?.type ?? 'confirm' },
    ...(clientSecret && { clientSecret }),
    reference,
  };
}

/** The code of the last decline. The bank's reason is not shown to the payer, because it could warn a thief. */
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
