import { Currency, Id } from '@warren/contracts';
import { moneyValue, PersonValue } from './values.js';

/** What all notices of a payment are made of. `otherUserId`: the payer for the recipient, and the other way round. */
export const paymentValues = {
  paymentId: Id,
  amount: moneyValue('currency'),
  currency: Currency,
  otherUserId: PersonValue,
};

export function paymentPath({ paymentId }: { paymentId: string }): string {
  return `/payments/${encodeURIComponent(paymentId)}`;
}
