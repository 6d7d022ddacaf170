import type { NextAction } from '@warren/payment-contract';

/** What the provider is asked to do. All kinds except `refund` change the status of the payment. */
export type OperationKind = 'charge' | 'confirm' | 'cancel' | 'refund';

/** One call to the provider. Its `id` is the provider's idempotency key, so that repeating it moves money once. */
export interface Operation {
  id: string;
  paymentId: string;
  kind: OperationKind;
  payerId: string;
  recipientId: string;
  /** In the currency's minor unit: the whole payment, or the amount of the refund. */
  amount: number;
  currency: string;
  /** The method that is charged; null after its payer was erased. */
  paymentMethod: string | null;
  /** The provider's id of the object that this operation made; null until it is known. */
  reference: string | null;
  /** The provider's id of the payment; null until it is known. */
  paymentReference: string | null;
  /** How often the operation was leased. */
  attempts: number;
  /** How many webhooks about the operation had arrived when it was leased. */
  webhooks: number;
  /** From the request that reserved the operation. A sweeper that settles it uses it too. */
  correlationId: string;
  createdAt: Date;
}

/**
 * What the provider says about an operation. `pending`: accepted and not decided yet, to be asked for again later.
 * `reference`: the provider's id of the object that the operation made.
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
