import type { Operation } from '../../domain/operation.js';

/** The metadata of our objects at Stripe: ids, and nothing about people. */
export function metadataOf({ id, paymentId }: Operation) {
  return { operation_id: id, payment_id: paymentId };
}

/** Finds the PaymentIntent of a payment. @see https://docs.stripe.com/search#metadata */
export function searchFor({ paymentId }: Operation): string {
  return `metadata['payment_id']:'${paymentId}'`;
}

/** Whether an object belongs to the payment of this operation. */
export function isOf({ paymentId }: Operation, metadata: Readonly<Record<string, unknown>>): boolean {
  return metadata.payment_id === paymentId;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id of the operation that made an object; `undefined` if it was made elsewhere. */
export function operationIdOf(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): string | undefined {
  const id = metadata?.operation_id;
  return typeof id === 'string' && uuid.test(id) ? id : undefined;
}
