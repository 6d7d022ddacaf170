import Stripe from 'stripe';
import type { PaymentProvider } from '../provider.js';
import { intents } from './intents.js';
import { refunds } from './refunds.js';
import { stripeWebhook } from './webhook.js';

export interface StripeOptions {
  secretKey: string;
  webhookSecret: string;
  /** Where the API answers, without a path. */
  apiUrl: URL;
  /** Milliseconds that one request may take. */
  timeoutMs?: number;
}

/** Below the time for a whole call, so that the connection is closed by then and not only given up. */
const defaultTimeoutMs = 15_000;

/** Stripe, by its own SDK. Card payments only; docs/payments.md tells what an account must allow. */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const { secretKey, webhookSecret, apiUrl, timeoutMs = defaultTimeoutMs } = options;
  const secure = apiUrl.protocol === 'https:';
  const stripe = new Stripe(secretKey, {
    host: apiUrl.hostname,
    port: apiUrl.port || (secure ? 443 : 80),
    protocol: secure ? 'https' : 'http',
    timeout: timeoutMs,
    // Repeats are the sweeper's, which asks first. The SDK still repeats once, with its key, on a connection that closed.
    maxNetworkRetries: 0,
    telemetry: false,
  });
  const intent = intents(stripe);
  const refund = refunds(stripe);
  return {
    name: 'stripe',
    accepts: (paymentMethod) => paymentMethod.startsWith('pm_'),
    async perform(operation, signal) {
      signal.throwIfAborted();
      if (operation.kind === 'refund') return refund.perform(operation);
      return intent.perform[operation.kind](operation);
    },
    async retrieve(operation, signal) {
      signal.throwIfAborted();
      return operation.kind === 'refund' ? refund.retrieve(operation) : intent.retrieve(operation);
    },
    webhook: stripeWebhook(stripe, webhookSecret),
  };
}
