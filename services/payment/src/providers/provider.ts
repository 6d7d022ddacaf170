import type { Operation, Outcome } from '../domain/operation.js';
import type { Webhook } from '../domain/webhook.js';

/**
 * Moves the money. If a call throws, its outcome is unknown: the operation stays open, and the sweeper calls `retrieve`
 * before it repeats anything.
 */
export interface PaymentProvider {
  /** Stored with each payment. Only the provider that charged a payment can confirm, cancel or refund it. */
  readonly name: string;

  /** Whether a payment method of this name can exist. Decided locally, without a call. */
  accepts(paymentMethod: string): boolean;

  /**
   * Charges, confirms, cancels or refunds, at most once for each `operation.id`, however often it is called. A decline
   * is an outcome, not an error.
   */
  perform(operation: Operation, signal: AbortSignal): Promise<Outcome>;

  /** The outcome of the operation; `undefined` if the provider does not know the operation. */
  retrieve(operation: Operation, signal: AbortSignal): Promise<Outcome | undefined>;

  /** How the provider reports changes, if it does. */
  readonly webhook?: Webhook;
}
