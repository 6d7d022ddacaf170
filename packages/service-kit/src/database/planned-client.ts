import { isStalePlan } from '@warren/unit-of-work';
import pg from 'pg';

/** What the connections of a pool have in common. */
export interface Plans {
  /** Statements may have names, under which the server keeps their plans from one transaction to the next. */
  named: boolean;
  /** How often all plans had to be made anew. */
  generation: number;
}

type Done = (error: Error | null, result?: unknown) => void;
type Query = (statement: unknown, values?: unknown, done?: Done) => unknown;
type Named = pg.QueryConfig & { name: string };

/**
 * Connections for a pool. Where tables have changed, the server refuses a plan that would now answer other types: then
 * all plans of the pool are made anew. The refused statement still fails; whoever sent it sends it again, as
 * `PlannedPool` does for statements on their own and `inTransaction` for whole transactions.
 *
 * New plans get new names and, in a comment, a new text: a pooler that shares plans between its clients knows them by
 * their text.
 */
export function plannedClient(plans: Plans): typeof pg.Client {
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

/** Repeats a statement on its own whose plan was refused. Its `Client` is a `plannedClient`. */
export class PlannedPool extends pg.Pool {
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
