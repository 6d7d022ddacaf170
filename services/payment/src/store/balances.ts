import { personAccount } from '../domain/ledger.js';
import type { PaymentDb } from './database.js';

export interface CurrencyBalance {
  currency: string;
  /** In the currency's minor unit. */
  amount: number;
}

/** What the books say that a person holds, for each currency they ever dealt in. */
export async function balancesOf(db: PaymentDb, userId: string): Promise<CurrencyBalance[]> {
  const rows = await db.$queryRaw<{ currency: string; amount: bigint }[]>`
    SELECT currency, sum(amount)::bigint AS amount FROM ledger_entries
    WHERE account = ${personAccount(userId)} GROUP BY currency ORDER BY currency`;
  return rows.map(({ currency, amount }) => ({ currency, amount: exact(amount) }));
}

function exact(amount: bigint): number {
  const number = Number(amount);
  if (!Number.isSafeInteger(number)) throw new RangeError('This balance is too large for a JSON number');
  return number;
}
