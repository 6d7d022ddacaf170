import { ConfigError, type KitConfig } from '@warren/service-kit';
import type { PaymentConfig } from '../config.js';
import type { PaymentContext } from '../context.js';
import type { PaymentProvider } from './provider.js';
import { sandboxProvider } from './sandbox.js';

type Log = Pick<PaymentContext['log'], 'warn'>;

/** The configured provider. @throws ConfigError with a line for each variable that is missing */
export async function chooseProvider(
  config: PaymentConfig & Pick<KitConfig, 'DEPLOYMENT'>,
  log: Log,
): Promise<PaymentProvider> {
  if (config.DEPLOYMENT === 'production') warnIfNoMoneyMoves(config, log);
  if (config.PAYMENT_PROVIDER === 'sandbox') return sandboxProvider({ slowMs: config.SANDBOX_SLOW_MS });
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret } = config;
  if (secretKey === undefined || webhookSecret === undefined) {
    const required = { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecret };
    const missing = Object.entries(required).flatMap(([name, value]) => (value === undefined ? [name] : []));
    throw new ConfigError(missing.map((name) => `${name} is missing: PAYMENT_PROVIDER=stripe needs it`));
  }
  // Imported only if it is used, because Stripe's SDK is large.
  const { stripeProvider } = await import('./stripe/provider.js');
  return stripeProvider({ secretKey, webhookSecret, apiUrl: new URL(config.STRIPE_API_URL) });
}

/** Keys of Stripe's test mode: `sk_test_…`, `rk_test_…`. */
const testKey = /^[a-z]+_test_/;

/** Without the warning, people could believe that they paid. */
function warnIfNoMoneyMoves(config: PaymentConfig, log: Log): void {
  if (config.PAYMENT_PROVIDER === 'sandbox')
    log.warn('PAYMENT_PROVIDER is sandbox in production: payments succeed and no money moves');
  else if (testKey.test(config.STRIPE_SECRET_KEY ?? ''))
    log.warn('STRIPE_SECRET_KEY is a test key in production: payments succeed and no money moves');
}
