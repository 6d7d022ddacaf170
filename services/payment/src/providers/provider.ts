import type { Operation, Outcome } from '../domain/operation.js';
import type { Webhook } from '../domain/webhook.js';

/**
 * Moves the money. If a call throws, its outcome is unknown: the operation stays open, and the sweeper calls `retrieve`
 * before it repeats anything.
 */
export interface PaymentProvider {
  /** Kept with each payment. Only the provider that charged a payment can confirm, cancel or refund it. */
  readonly name: string;

  /** Cheap and local: whether a method of this name can exist at all. */
  accepts(paymentMethod: string): boolean;

  /**
   * Charges, confirms, cancels or refunds, at most once per `operation.id`, however often it is called; a decline is
   * an outcome, not a throw.
   */
  perform(operation: Operation, signal: AbortSignal): Promise<Outcome>;

  /** What became of the operation; `undefined` if the provider has never heard of it. */
  retrieve(operation: Operation, signal: AbortSignal): Promise<Outcome | undefined>;

  /** How the provider reports changes by itself. */
  readonly webhook?: Webhook;
}
