import { types } from 'node:util';
import Stripe from 'stripe';

/**
 * Codes of refusals that end by themselves, whatever status they come with.
 *
 * @see https://docs.stripe.com/error-codes
 */
const temporaryCodes: ReadonlySet<string> = new Set(['rate_limit', 'lock_timeout', 'idempotency_key_in_use']);

/**
 * A Stripe error without what must not be logged: the SDK's own one carries the whole PaymentIntent, with its client
 * secret, and headers.
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
      // Why the connection failed; for answers of Stripe there is none.
      cause: types.isNativeError(error.detail) ? error.detail : undefined,
    });
    this.type = error.rawType ?? error.type;
    this.code = error.code;
    this.status = error.statusCode;
    this.requestId = error.requestId;
    this.intentId = error.payment_intent?.id;
  }

  /** The card was refused. It counts as an answer, and a repeat with the same key gets the same one. */
  get isDecline(): boolean {
    return this.type === 'card_error';
  }

  /** Stripe refused the request as such and made nothing of it, and would do so again. */
  get isRefusal(): boolean {
    if (this.code !== undefined && temporaryCodes.has(this.code)) return false;
    return this.type === 'invalid_request_error' && (this.status === 400 || this.status === 404);
  }

  /** The PaymentIntent went another way meanwhile. */
  get isUnexpectedState(): boolean {
    return this.code === 'payment_intent_unexpected_state';
  }
}

/** Calls Stripe; its errors come out as `StripeCallError`. */
export async function asking<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof Stripe.errors.StripeError ? new StripeCallError(error) : error;
  }
}
