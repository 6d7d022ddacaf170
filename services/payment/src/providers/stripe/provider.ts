import Stripe from 'stripe';
import type { PaymentProvider } from '../provider.js';
import { intents } from './intents.js';
import { refunds } from './refunds.js';
import { stripeWebhook } from './webhook.js';

export interface StripeOptions {
  secretKey: string;
  webhookSecret: string;
  /** Address of the API, without a path. */
  apiUrl: URL;
  /** Time-out of one request, in milliseconds. */
  timeoutMs?: number;
}

/** Shorter than the time-out of a provider call, so that the connection is closed and not only abandoned. */
const defaultTimeoutMs = 15_000;

/** Card payments by Stripe. docs/payments.md lists what an account must allow. */
export function stripeProvider(options: StripeOptions): PaymentProvider {
  const { secretKey, webhookSecret, apiUrl, timeoutMs = defaultTimeoutMs } = options;
  const secure = apiUrl.protocol === 'https:';
  const stripe = new Stripe(secretKey, {
    host: apiUrl.hostname,
    port: apiUrl.port || (secure ? 443 : 80),
    protocol: secure ? 'https' : 'http',
    timeout: timeoutMs,
    // The sweeper repeats calls, after it asked for the outcome. The SDK still repeats once, with the same key, if a
    // connection was closed.
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
