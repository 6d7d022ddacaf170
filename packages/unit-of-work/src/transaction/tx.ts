import type { Tx, TxEffects } from '../api.js';

/**
 * The database transaction with `publish`, `feed` and `erase` beside it. A proxy, since the client's own object may be
 * one too and can neither be copied nor extended; its methods keep their own `this`.
 */
export function joinTx<Db extends object>(db: Db, effects: TxEffects): Tx<Db> {
  return new Proxy(db, {
    get(target, property) {
      if (property === 'publish') return effects.publish;
      if (property === 'feed') return effects.feed;
      if (property === 'erase') return effects.erase;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  }) as Tx<Db>;
}
