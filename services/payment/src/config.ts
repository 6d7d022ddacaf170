import { secret } from '@warren/service-kit';
import { type Static, Type } from 'typebox';

/** The payment service's own environment variables. */
export const config = Type.Object({
  PAYMENT_PROVIDER: Type.Enum(['sandbox', 'stripe'], {
    default: 'sandbox',
    description:
      'The payment provider. `sandbox` moves no money. `stripe` needs the variables that begin with `STRIPE_`.',
  }),
  PAYMENTS_PER_MINUTE: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 600,
    description:
      'Payments a minute that one person may request on one instance. The same limit applies separately to ' +
      'refunds, confirmations, cancelations and balances.',
  }),
  SANDBOX_SLOW_MS: Type.Integer({
    minimum: 0,
    maximum: 600_000,
    default: 8_000,
    description:
      'Milliseconds that the sandbox takes to charge `pm_card_slow` and to refund `pm_card_pendingRefund`.',
  }),
  STRIPE_SECRET_KEY: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^(sk|rk)_[A-Za-z0-9_]+$',
      defaultText: 'none',
      description: 'Secret or restricted key of the Stripe account. Required for `stripe`.',
    }),
  ),
  STRIPE_WEBHOOK_SECRET: Type.Optional(
    Type.String({
      ...secret,
      pattern: '^whsec_[A-Za-z0-9+/=_]+$',
      defaultText: 'none',
      description:
        'Signing secret of the Stripe webhook endpoint that calls `/webhooks/stripe`. Required for `stripe`.',
    }),
  ),
  STRIPE_API_URL: Type.String({
    pattern: '^(https://[^/?#@]+|http://(localhost|127\\.0\\.0\\.1)(:\\d+)?)/?$',
    default: 'https://api.stripe.com',
    description: 'Address of Stripe’s API, without a path. Plain HTTP is allowed on this machine only.',
  }),
});

/** The parsed variables. */
export type PaymentConfig = Static<typeof config>;
