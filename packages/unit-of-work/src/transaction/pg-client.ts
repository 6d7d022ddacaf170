import { hash } from 'node:crypto';
import type { QueryConfig } from 'pg';
import type { RawClient, TransactionalClient } from '../api.js';
import { type Connections, inTransaction } from './pg-transaction.js';

export interface PgClientOptions {
  /** Whether statements are prepared under a name, so that the server keeps their plans: see `statementNames`. Default false. */
  named?: boolean;
}

/** A unit of work's client on node-postgres alone. */
export function pgClient(
  pool: Connections,
  { named = false }: PgClientOptions = {},
): TransactionalClient<RawClient> {
  const nameOf = named ? statementNames() : () => undefined;
  const statement = (text: string, values: readonly unknown[]): QueryConfig => ({
    name: nameOf(text),
    text,
    values: [...values],
  });
  return {
    $transaction: (work, options = {}) =>
      inTransaction(pool, options, (transaction) =>
        work({
          $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) =>
            (await transaction.query(statement(sql, values))).rows as T,
          $commitWith: async <Row extends object>(sql: string, values: readonly unknown[]) =>
            (await transaction.commitWith<Row>(statement(sql, values))).rows,
        }),
      ),
  };
}

const maxNames = 500;

/**
 * Names for prepared statements. The server keeps the plan of a named statement, because parsing and planning would cost
 * more than running it. The name is a hash of the text, so that clients that share a connection agree on it. A service has
 * few statements; texts beyond 500, such as lists of varying length, get no name.
 */
export function statementNames(): (sql: string) => string | undefined {
  const names = new Map<string, string>();
  return (sql) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= maxNames) return known;
    const name = `warren_${hash('sha256', sql).slice(0, 32)}`;
    names.set(sql, name);
    return name;
  };
}
