import { isStalePlan } from '@warren/unit-of-work';
import pg from 'pg';

/** The state that all connections of a pool share. */
export interface StatementPlans {
  /** Prepared statements may have names, so that the server keeps their plans between transactions. */
  named: boolean;
  /** How often all statements were prepared again. */
  generation: number;
}

type Done = (error: Error | null, result?: unknown) => void;
type Query = (statement: unknown, values?: unknown, done?: Done) => unknown;
type Named = pg.QueryConfig & { name: string };

/**
 * The class of a pool's connections. If a table has changed, the server refuses prepared statements whose result types
 * would change. Then all connections of the pool prepare their statements again. The refused statement itself fails and
 * must be repeated: `RepeatingPool` repeats single statements, and `inTransaction` repeats whole transactions.
 *
 * A statement that is prepared again gets a new name, and a new text by a comment, because a pooler that shares prepared
 * statements between its clients identifies them by their text.
 */
export function preparingClient(plans: StatementPlans): typeof pg.Client {
  const prepared = (statement: Named): pg.QueryConfig => {
    const { name, ...unnamed } = statement;
    if (!plans.named) return unnamed;
    if (plans.generation === 0) return statement;
    const { generation } = plans;
    return { ...statement, name: `${name}_${generation}`, text: `${statement.text} /* ${generation} */` };
  };

  return class extends pg.Client {
    readonly #query = super.query.bind(this) as Query;

    override query = ((statement: unknown, valuesOrDone?: unknown, doneAfterValues?: Done) => {
      if (!isNamed(statement)) return this.#query(statement, valuesOrDone, doneAfterValues);
      const isDone = typeof valuesOrDone === 'function';
      const [values, done] = isDone ? [undefined, valuesOrDone as Done] : [valuesOrDone, doneAfterValues];
      const { generation } = plans;
      const note = (error: Error | null) => {
        if (isStalePlan(error) && plans.generation === generation) plans.generation += 1;
      };
      if (done) {
        return this.#query(prepared(statement), values, (error, result) => {
          note(error);
          done(error, result);
        });
      }
      return (this.#query(prepared(statement), values) as Promise<unknown>).catch((error: Error) => {
        note(error);
        throw error;
      });
    }) as pg.Client['query'];
  };
}

/** Repeats single statements whose plan was refused. Its `Client` must be a `preparingClient`. */
export class RepeatingPool extends pg.Pool {
  readonly #query = super.query.bind(this) as Query;

  override query = ((statement: unknown, valuesOrDone?: unknown, doneAfterValues?: Done) => {
    const isDone = typeof valuesOrDone === 'function';
    const [values, done] = isDone ? [undefined, valuesOrDone as Done] : [valuesOrDone, doneAfterValues];
    const answer = (this.#query(statement, values) as Promise<unknown>).catch((error: unknown) => {
      if (isStalePlan(error)) return this.#query(statement, values);
      throw error;
    });
    if (!done) return answer;
    return void answer.then(
      (result) => done(null, result),
      (error: Error) => done(error),
    );
  }) as pg.Pool['query'];
}

function isNamed(statement: unknown): statement is Named {
  return (
    typeof statement === 'object' && statement !== null && 'name' in statement && Boolean(statement.name)
  );
}
