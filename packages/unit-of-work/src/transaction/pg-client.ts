import type { QueryConfig } from 'pg';
import type { RawClient, TransactionalClient } from '../api.js';
import { type Connections, inTransaction } from './pg-transaction.js';

export interface PgClientOptions {
  /** Statements get names, under which the server keeps their plans: see `statementNames`. Default false. */
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

const mostNames = 500;

/**
 * Names for statements by their text. The server keeps the plan of a named statement: parsing and planning would cost
 * more than running it. A service has few statements; what goes beyond 500, such as lists of varying length, gets no name.
 */
export function statementNames(): (sql: string) => string | undefined {
  const names = new Map<string, string>();
  return (sql) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= mostNames) return known;
    const name = `warren_${names.size}`;
    names.set(sql, name);
    return name;
  };
}
