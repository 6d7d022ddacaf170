import { paymentError } from '@warren/payment-contract';
import type Stripe from 'stripe';
import type { Webhook, WebhookEvent } from '../../domain/webhook.js';
import { operationIdOf } from './metadata.js';

/** Seconds after which a webhook is refused, so that a recorded one cannot be sent again later. */
const toleranceSeconds = 300;

/** Events about changes that this service may not know of. */
const intentEvents: ReadonlySet<string> = new Set([
  'payment_intent.succeeded',
  'payment_intent.processing',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
]);

/** @see https://docs.stripe.com/webhooks#verify-official-libraries */
export function stripeWebhook(stripe: Stripe, secret: string): Webhook {
  function verified(body: Buffer, signature: string | undefined): Stripe.Event {
    try {
      return stripe.webhooks.constructEvent(body, signature ?? '', secret, toleranceSeconds);
    } catch (error) {
      throw paymentError('invalid-signature', { cause: error });
    }
  }

  return {
    path: '/webhooks/stripe',
    signatureHeader: 'stripe-signature',
    read: (body, signature) => eventIn(verified(body, signature)),
  };
}

/** PaymentIntents and refunds carry the id of their operation. All other events of the account are ignored. */
function eventIn({ type, data }: Stripe.Event): WebhookEvent | undefined {
  const about = (data?.object ?? {}) as {
    object?: unknown;
    id?: unknown;
    metadata?: Record<string, unknown> | null;
  };
  const concernsUs =
    about.object === 'refund' || (about.object === 'payment_intent' && intentEvents.has(type));
  const operationId = concernsUs ? operationIdOf(about.metadata) : undefined;
  if (operationId === undefined || typeof about.id !== 'string') return undefined;
  return { operationId, reference: about.id, saysPaid: type === 'payment_intent.succeeded' };
}
