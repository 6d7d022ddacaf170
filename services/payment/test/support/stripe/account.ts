import { randomUUID } from 'node:crypto';

/** Seconds since 1970, as query parameters. */
type CreatedRange = Readonly<Partial<Record<'gte' | 'lt' | 'lte', string | number>>>;

/** An error answer of Stripe's API. */
export class ApiError extends Error {
  readonly status: number;
  readonly error: Record<string, unknown>;

  constructor(
    status: number,
    error: { type: string; code?: string; message: string; [more: string]: unknown },
  ) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

export type Params = Readonly<Record<string, unknown>>;

export interface Intent {
  id: string;
  object: 'payment_intent';
  amount: number;
  amount_received: number;
  currency: string;
  status: string;
  client_secret: string;
  confirmation_method: string;
  payment_method: string | null;
  next_action: { type: string; use_stripe_sdk?: object } | null;
  last_payment_error: Record<string, unknown> | null;
  metadata: Record<string, string>;
  created: number;
}

export interface RefundObject {
  id: string;
  object: 'refund';
  amount: number;
  currency: string;
  payment_intent: string;
  status: string;
  failure_reason?: string;
  metadata: Record<string, string>;
  created: number;
}

const declined = { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline' } as const;
const invalid = (message: string, code?: string) =>
  new ApiError(400, { type: 'invalid_request_error', message, ...(code && { code }) });

/**
 * The objects of a Stripe account, with Stripe's rules for PaymentIntents with manual confirmation and for refunds.
 * Test payment methods behave like Stripe's. A payment with `pm_card_processing` is pending until `decide` is called.
 */
export class StripeAccount {
  readonly intents = new Map<string, Intent>();
  readonly refunds = new Map<string, RefundObject>();

  createIntent(params: Params): Intent {
    const { amount, currency, payment_method: method, metadata } = params as Record<string, string>;
    const intent: Intent = {
      id: `pi_${randomUUID().replaceAll('-', '')}`,
      object: 'payment_intent',
      amount: Number(amount),
      amount_received: 0,
      currency: currency ?? '',
      status: 'requires_confirmation',
      client_secret: `pi_secret_${randomUUID()}`,
      confirmation_method: String(params.confirmation_method),
      payment_method: method ?? null,
      next_action: null,
      last_payment_error: null,
      metadata: (metadata ?? {}) as unknown as Record<string, string>,
      created: Math.floor(Date.now() / 1_000),
    };
    if (params.payment_method_types) throw invalid('Received unknown parameter', 'parameter_unknown');
    if (!method?.startsWith('pm_card_'))
      throw invalid(`No such PaymentMethod: '${method}'`, 'resource_missing');
    this.intents.set(intent.id, intent);
    return this.#attempt(intent, false);
  }

  confirm(id: string): Intent {
    const intent = this.intent(id);
    if (intent.status !== 'requires_confirmation' && intent.status !== 'requires_action')
      throw unexpected(intent, 'confirm');
    return this.#attempt(intent, intent.status === 'requires_confirmation');
  }

  cancel(id: string): Intent {
    const intent = this.intent(id);
    const { status } = intent;
    if (status === 'succeeded' || status === 'canceled' || status === 'processing')
      throw unexpected(intent, 'cancel');
    Object.assign(intent, { status: 'canceled', next_action: null });
    return intent;
  }

  intent(id: string): Intent {
    const intent = this.intents.get(id);
    if (intent) return intent;
    const error = { type: 'invalid_request_error', code: 'resource_missing', message: `No such ${id}` };
    throw new ApiError(404, error);
  }

  /** Newest first, by their second of creation. */
  intentsMade({ gte = -Infinity, lt = Infinity, lte = Infinity }: CreatedRange): Intent[] {
    const made = [...this.intents.values()].filter(
      ({ created }) => created >= Number(gte) && created < Number(lt) && created <= Number(lte),
    );
    return made.sort((a, b) => b.created - a.created);
  }

  /** What Stripe.js does in the payer's browser: the authentication passes or fails. */
  authenticate(id: string, passed = true): void {
    const intent = this.intent(id);
    Object.assign(intent, {
      next_action: null,
      status: passed ? 'requires_confirmation' : 'requires_payment_method',
    });
    if (!passed) intent.last_payment_error = { code: 'payment_intent_authentication_failure' };
  }

  /** Decides an intent that was `processing`. */
  decide(id: string, succeeded = true): void {
    const intent = this.intent(id);
    if (succeeded) Object.assign(intent, { status: 'succeeded', amount_received: intent.amount });
    else Object.assign(intent, { status: 'requires_payment_method', last_payment_error: { ...declined } });
  }

  createRefund(params: Params): RefundObject {
    const { payment_intent: intentId, amount, metadata } = params as Record<string, string>;
    const intent = this.intent(intentId ?? '');
    if (intent.status !== 'succeeded') throw invalid('This PaymentIntent does not have a successful charge');
    const left = intent.amount_received - this.#refunded(intent.id);
    if (left === 0) throw invalid('Charge has already been refunded.', 'charge_already_refunded');
    if (Number(amount) > left) throw invalid('Refund amount is greater than unrefunded amount on charge');
    const refund: RefundObject = {
      id: `re_${randomUUID().replaceAll('-', '')}`,
      object: 'refund',
      amount: Number(amount),
      currency: intent.currency,
      payment_intent: intent.id,
      status: intent.payment_method === 'pm_card_pendingRefund' ? 'pending' : 'succeeded',
      metadata: (metadata ?? {}) as unknown as Record<string, string>,
      created: Math.floor(Date.now() / 1_000),
    };
    this.refunds.set(refund.id, refund);
    return refund;
  }

  refund(id: string): RefundObject {
    const refund = this.refunds.get(id);
    if (refund) return refund;
    const error = { type: 'invalid_request_error', code: 'resource_missing', message: `No such ${id}` };
    throw new ApiError(404, error);
  }

  /** Newest first. */
  refundsOf(intentId: string): RefundObject[] {
    return [...this.refunds.values()].filter((refund) => refund.payment_intent === intentId).reverse();
  }

  decideRefund(id: string, succeeded: boolean): void {
    const failed = { status: 'failed', failure_reason: 'expired_or_canceled_card' };
    Object.assign(this.refund(id), succeeded ? { status: 'succeeded' } : failed);
  }

  /** The amount charged to cards less the amount refunded, in the currency's minor unit. */
  get moved(): number {
    const received = [...this.intents.values()].map(({ amount_received: amount }) => amount);
    const returned = [...this.refunds.values()].map(({ amount, status }) =>
      status === 'succeeded' ? amount : 0,
    );
    return [...received, ...returned.map((amount) => -amount)].reduce((sum, amount) => sum + amount, 0);
  }

  #attempt(intent: Intent, authenticated: boolean): Intent {
    const method = intent.payment_method ?? '';
    const decline =
      method === 'pm_card_chargeDeclined' || (authenticated && method.includes('ChargeDeclined'));
    if (decline) {
      const lastError = { ...declined, message: 'Your card was declined.' };
      Object.assign(intent, {
        status: 'requires_payment_method',
        next_action: null,
        last_payment_error: lastError,
      });
      throw new ApiError(402, { ...lastError, payment_intent: { ...intent } });
    }
    if (method.startsWith('pm_card_authenticationRequired') && !authenticated) {
      const action = { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } };
      return Object.assign(intent, { status: 'requires_action', next_action: action });
    }
    if (method === 'pm_card_processing')
      return Object.assign(intent, { status: 'processing', next_action: null });
    const { amount } = intent;
    return Object.assign(intent, { status: 'succeeded', next_action: null, amount_received: amount });
  }

  #refunded(intentId: string): number {
    return this.refundsOf(intentId)
      .filter(({ status }) => status === 'pending' || status === 'succeeded')
      .reduce((sum, { amount }) => sum + amount, 0);
  }
}

function unexpected(intent: Intent, what: string): ApiError {
  return new ApiError(400, {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `You cannot ${what} this PaymentIntent because it has a status of ${intent.status}.`,
    payment_intent: { ...intent },
  });
}
