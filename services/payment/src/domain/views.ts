import type { Payment, PaymentState } from '@warren/payment-contract';

/** The payment as this reader may see it; `undefined` if they may not see it. */
export function viewFor(payment: Payment, readerId: string): Payment | undefined {
  if (readerId === payment.payerId) return payment;
  if (readerId === payment.recipientId && payment.status === 'succeeded') return withoutPayerFields(payment);
  return undefined;
}

/** The payment as other services see it, without what only the payer's browser needs. */
export function stateOf(payment: Payment): PaymentState {
  const { nextAction: _action, clientSecret: _secret, ...state } = payment;
  return state;
}

function withoutPayerFields(payment: Payment): Payment {
  const { failureCode: _failure, nextAction: _action, clientSecret: _secret, ...rest } = payment;
  return rest;
}
