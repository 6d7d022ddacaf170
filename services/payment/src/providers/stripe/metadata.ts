import type { Operation } from '../../domain/operation.js';

/** What an object at Stripe tells of where it comes from: ids, and nothing about people. */
export function metadataOf({ id, paymentId }: Operation) {
  return { operation_id: id, payment_id: paymentId };
}

/** Finds the PaymentIntent of a payment. @see https://docs.stripe.com/search#metadata */
export function searchFor({ paymentId }: Operation): string {
  return `metadata['payment_id']:'${paymentId}'`;
}

/** Whether an object comes from the payment of this operation. */
export function isOf({ paymentId }: Operation, metadata: Readonly<Record<string, unknown>>): boolean {
  return metadata.payment_id === paymentId;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The operation that an object comes from; `undefined` for one that was made elsewhere. */
export function operationIdOf(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): string | undefined {
  const id = metadata?.operation_id;
  return typeof id === 'string' && uuid.test(id) ? id : undefined;
}
