import { type ErrorDefinition, errorsOf } from '@warren/contracts';

/** The error codes of the payment service, beside those of the kit. */
export const paymentErrors = {
  'invalid-signature': { status: 400, temporary: false, title: 'The signature is not one of the sender' },
  'unknown-recipient': { status: 404, temporary: true, title: 'The recipient is not known here yet' },
  'wrong-state': { status: 409, temporary: false, title: 'Not possible in this state' },
  'recipient-gone': { status: 422, temporary: false, title: 'The recipient has deleted their account' },
  'refund-exceeds-payment': { status: 422, temporary: false, title: 'More than is left of this payment' },
  'self-payment': { status: 422, temporary: false, title: 'Payer and recipient are the same person' },
  'unknown-payment-method': { status: 422, temporary: false, title: 'No such payment method' },
} as const satisfies Record<string, ErrorDefinition>;

/** An error with one of these codes. */
export const paymentError = errorsOf(paymentErrors);
