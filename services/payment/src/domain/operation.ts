/** One call to the provider. Its `id` is the provider's idempotency key, so that repeating it charges once. */
export interface Operation {
  id: string;
  paymentId: string;
  kind: 'charge';
  paymentMethod: string;
  payerId: string;
  recipientId: string;
  /** In the currency's minor unit. */
  amount: number;
  currency: string;
  /** How often somebody took its lease. */
  attempts: number;
  /** Of the request that reserved it, so that what a sweeper settles still belongs to that chain. */
  correlationId: string;
  createdAt: Date;
}
