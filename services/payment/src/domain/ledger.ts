import type { Payment } from '@warren/payment-contract';

/** One line of a movement: above zero into the account, below zero out of it, in the currency's minor unit. */
export interface Entry {
  account: string;
  currency: string;
  amount: number;
}

/** `refund-reversal`: a refund that had succeeded came back. */
export type MovementKind = 'payment' | 'refund' | 'refund-reversal';

/** One posting of the books. Its entries sum to zero per currency. */
export interface Movement {
  kind: MovementKind;
  entries: readonly Entry[];
}

/** What a person holds in this service's books. */
export function personAccount(userId: string): string {
  return `person:${userId}`;
}

/** What lies with the provider, seen from its other side: below zero by all that people hold. */
export function clearingAccount(provider: string): string {
  return `clearing:${provider}`;
}

/**
 * Money comes in from the provider to the payer and goes on to the recipient; a refund goes the same way back. So
 * each account tells everything that its owner had part in.
 */
export function movementOf(
  kind: MovementKind,
  { payerId, recipientId, currency }: Payment,
  amount: number,
  provider: string,
): Movement {
  const sign = kind === 'refund' ? -1 : 1;
  const entry = (account: string, moved: number): Entry => ({ account, currency, amount: sign * moved });
  return {
    kind,
    entries: [
      entry(clearingAccount(provider), -amount),
      entry(personAccount(payerId), amount),
      entry(personAccount(payerId), -amount),
      entry(personAccount(recipientId), amount),
    ],
  };
}
