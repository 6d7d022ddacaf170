import { ConfigError } from '@warren/service-kit';
import type { PaymentConfig } from '../config.js';
import type { PaymentProvider } from './provider.js';
import { sandboxProvider } from './sandbox.js';

/** The provider that the configuration names. @throws ConfigError with a line for each variable that it lacks. */
export async function chooseProvider(config: PaymentConfig): Promise<PaymentProvider> {
  if (config.PAYMENT_PROVIDER === 'sandbox') return sandboxProvider({ slowMs: config.SANDBOX_SLOW_MS });
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret } = config;
  if (secretKey === undefined || webhookSecret === undefined) {
    const required = { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret };
    const missing = Object.entries(required).flatMap(([name, value]) => (value === undefined ? [name] : []));
    throw new ConfigError(missing.map((name) => `${name} is missing: PAYMENT_PROVIDER=stripe needs it`));
  }
  // Its SDK is large: who runs the sandbox does without.
  const { stripeProvider } = await import('./stripe/provider.js');
  return stripeProvider({ secretKey, webhookSecret, apiUrl: new URL(config.STRIPE_API_URL) });
}
