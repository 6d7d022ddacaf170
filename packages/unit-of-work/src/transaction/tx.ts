import type { Tx, TxEffects } from '../api.js';

/** The database transaction with `publish`, `feed` and `erase` beside it. */
export function joinTx<Db extends object>(db: Db, effects: TxEffects): Tx<Db> {
  return Object.assign(Object.create(db), effects);
}
