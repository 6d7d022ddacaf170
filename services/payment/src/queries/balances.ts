import { paymentError } from '@warren/payment-contract';
import { personAccount } from '../domain/ledger.js';
import type { PaymentDb } from '../store/database.js';

export interface CurrencyBalance {
  currency: string;
  /** In the currency's minor unit. */
  amount: number;
}

/**
 * A person's balance in each currency they ever dealt in. A trigger of the database keeps these rows beside the entries, so
 * that reading them takes no longer with more entries.
 *
 * @throws AppError `wrong-state` beyond 2^53, where a JSON number would be off by some units: no answer is better than
 * a wrong one, and the books go on.
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
