import type { RawClient, Tx } from '../api.js';
import { hasCopyOf } from '../replay/copies.js';
import type { Schema } from '../schema/schema.js';
import type { CollectedEffects } from './effects.js';

/** The database transaction, extended with the members of `TxEffects`. */
export function joinTx<Db extends RawClient>(db: Db, schema: Schema, effects: CollectedEffects): Tx<Db> {
  return Object.assign(Object.create(db), effects, {
    hasCopyOf: (service: string) => hasCopyOf(db, schema, service),
  });
}
