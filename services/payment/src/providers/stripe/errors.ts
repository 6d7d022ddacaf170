import { types } from 'node:util';
import Stripe from 'stripe';

/**
 * Codes of temporary errors, whatever their HTTP status.
 *
 * @see https://docs.stripe.com/error-codes
 */
const temporaryCodes: ReadonlySet<string> = new Set(['rate_limit', 'lock_timeout', 'idempotency_key_in_use']);

/**
 * A Stripe error that is safe to log. The SDK's error contains the whole PaymentIntent, with its client secret, and
 * the headers.
 */
export class StripeCallError extends Error {
  override readonly name = 'StripeCallError';
  readonly type: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly intentId: string | undefined;

  constructor(error: InstanceType<typeof Stripe.errors.StripeError>) {
    super(`Stripe: ${error.type}, ${error.code ?? 'no code'}, status ${error.statusCode ?? 'none'}`, {
      // Why the connection failed. Answers of Stripe have no cause.
      cause: types.isNativeError(error.detail) ? error.detail : undefined,
    });
    this.type = error.rawType ?? error.type;
    this.code = error.code;
    this.status = error.statusCode;
    this.requestId = error.requestId;
    this.intentId = error.payment_intent?.id;
  }

  /** The card was declined. A repeat with the same key gets the same answer. */
  get isDecline(): boolean {
    return this.type === 'card_error';
  }

  /** Stripe rejected the request, made nothing, and would reject it again. */
  get isRefusal(): boolean {
    if (this.code !== undefined && temporaryCodes.has(this.code)) return false;
    return this.type === 'invalid_request_error' && (this.status === 400 || this.status === 404);
  }

  /** The PaymentIntent changed its status in the meantime. */
  get isUnexpectedState(): boolean {
    return this.code === 'payment_intent_unexpected_state';
  }
}

/** Calls Stripe. Turns the SDK's errors into `StripeCallError`. */
export async function asking<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof Stripe.errors.StripeError ? new StripeCallError(error) : error;
  }
}
