import type { NextAction } from '@warren/payment-contract';

/** What the provider is asked to do. All but `refund` are about the payment itself. */
export type OperationKind = 'charge' | 'confirm' | 'cancel' | 'refund';

/** One call to the provider. Its `id` is the provider's idempotency key, so that repeating it moves money once. */
export interface Operation {
  id: string;
  paymentId: string;
  kind: OperationKind;
  payerId: string;
  recipientId: string;
  /** What it moves, in the currency's minor unit: the whole payment, or of a refund what is given back. */
  amount: number;
  currency: string;
  /** That the payment is charged to; null once its payer was erased. */
  paymentMethod: string | null;
  /** What the provider calls the thing that this operation made; null until it said so. */
  reference: string | null;
  /** What the provider calls the payment; null until it said so. */
  paymentReference: string | null;
  /** How often somebody took its lease. */
  attempts: number;
  /** How often the provider had told by itself that something happened, when the lease was taken. */
  notices: number;
  /** Of the request that reserved it, so that what a sweeper settles still belongs to that chain. */
  correlationId: string;
  createdAt: Date;
}

/**
 * What the provider says became of an operation. `pending`: accepted and not decided yet; ask again later.
 * `reference`: what the provider calls the thing that the operation made.
 */
export type Outcome = { reference?: string } & (
  | { to: 'pending' }
  | { to: 'requires_action'; nextAction: NextAction; clientSecret?: string }
  | { to: 'succeeded' }
  | { to: 'failed'; failureCode: string }
  | { to: 'canceled' }
);

/** An outcome that settles its operation. */
export type DecidedOutcome = Exclude<Outcome, { to: 'pending' }>;
