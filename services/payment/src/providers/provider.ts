import type { Operation } from '../domain/operation.js';
import type { Change } from '../domain/payment-machine.js';

/** `pending`: accepted and not decided yet; ask again later. */
export type Outcome = { to: 'pending' } | Exclude<Change, { to: 'processing' | 'canceled' }>;

/**
 * Where the money moves. A throw means that nobody knows whether it did: the operation stays open, and the
 * sweeper asks `retrieve` before anything is repeated.
 */
export interface PaymentProvider {
  /** Cheap and local: whether a method of this name can exist at all. */
  accepts(paymentMethod: string): boolean;

  /** Charges at most once per `operation.id`, however often it is called; a decline is an outcome, not a throw. */
  charge(operation: Operation, signal: AbortSignal): Promise<Outcome>;

  /** What became of the operation; `undefined` if the provider has never heard of it. */
  retrieve(operation: Operation, signal: AbortSignal): Promise<Outcome | undefined>;
}
