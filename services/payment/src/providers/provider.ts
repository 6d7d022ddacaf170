import type { Operation, Outcome } from '../domain/operation.js';

/**
 * Where the money moves. A throw means that nobody knows whether it did: the operation stays open, and the
 * sweeper asks `retrieve` before anything is repeated.
 */
export interface PaymentProvider {
  /** As payments remember it: whoever charged one goes on with it, and nobody else. */
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

  /** Where the provider tells by itself that something happened. */
  readonly webhook?: Webhook;
}

/** How a provider's own notices come in. */
export interface Webhook {
  /** Of the route, `/webhooks/…`. */
  path: string;
  /** Lower-case name of the header with the signature. */
  signatureHeader: string;
  /**
   * What the notice is about, `undefined` if it is about nothing of ours. That is all a notice is good for: it may be
   * late, early or a repeat, so the provider is asked how things are.
   *
   * @throws AppError `invalid-signature` for a notice that is forged, changed or too old.
   */
  read(body: Buffer, signature: string | undefined): Notice | undefined;
}

export interface Notice {
  operationId: string;
  /** What the provider calls what the operation made: an answer that was lost can't tell it any more. */
  reference: string;
  /** It says that the payment went through. */
  saysPaid: boolean;
}
