import type { Payment } from '@warren/payment-contract';

/** One line of a movement. `amount` is in the currency's minor unit, and negative if money leaves the account. */
export interface Entry {
  account: string;
  currency: string;
  amount: number;
}

/** `refund-reversal`: a refund failed after it had succeeded. */
export type MovementKind = 'payment' | 'refund' | 'refund-reversal';

/** One posting to the ledger. Its entries sum to zero in each currency. */
export interface Movement {
  kind: MovementKind;
  entries: readonly Entry[];
}

/** The account of a person. */
export function personAccount(userId: string): string {
  return `person:${userId}`;
}

/** The account opposite to the provider. Its balance is the negative sum of what people hold. */
export function clearingAccount(provider: string): string {
  return `clearing:${provider}`;
}

/**
 * The entries of a payment move money from the provider to the payer, and from the payer to the recipient. A refund
 * takes the same way back. So each account shows all movements of its owner.
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
