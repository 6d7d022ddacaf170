import { paymentError } from '@warren/payment-contract';
import { personAccount } from '../domain/ledger.js';
import type { PaymentDb } from '../store/database.js';

export interface CurrencyBalance {
  currency: string;
  /** In the currency's minor unit. */
  amount: number;
}

/**
 * A person's balance in each currency in which they have ledger entries. A database trigger updates these rows with
 * each entry, so that the number of entries does not matter.
 *
 * @throws AppError `wrong-state` for a balance beyond 2^53, which a JSON number cannot express exactly
 */
export async function balancesOf(db: PaymentDb, userId: string): Promise<CurrencyBalance[]> {
  const rows = await db.$queryRaw<{ currency: string; amount: string }[]>`
    SELECT currency, amount::text AS amount FROM ledger_balances
    WHERE account = ${personAccount(userId)} ORDER BY currency`;
  return rows.map(({ currency, amount }) => ({ currency, amount: exact(amount) }));
}

function exact(amount: string): number {
  const number = Number(amount);
  if (Number.isSafeInteger(number)) return number;
  throw paymentError('wrong-state', { detail: 'This balance is beyond what a JSON number can say exactly' });
}
