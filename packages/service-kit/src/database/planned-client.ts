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
 * all plans of the pool are made anew. Outside of a transaction the statement is repeated at once; inside of one the
 * transaction has failed, and whoever runs it has to run it again.
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
      const isOnItsOwn = this.getTransactionStatus() === 'I';
      const repeats = (error: Error | null): boolean => {
        if (!isStalePlan(error)) return false;
        if (plans.generation === generation) plans.generation += 1;
        return isOnItsOwn;
      };
      if (!done) return this.#promised(statement, values, repeats);
      return this.#query(prepared(statement), values, (error, result) => {
        if (repeats(error)) this.#query(prepared(statement), values, done);
        else done(error, result);
      });
    }) as pg.Client['query'];

    async #promised(statement: Named, values: unknown, repeats: (error: Error) => boolean): Promise<unknown> {
      try {
        return await this.#query(prepared(statement), values);
      } catch (error) {
        if (!repeats(error as Error)) throw error;
        return await this.#query(prepared(statement), values);
      }
    }
  };
}

function isNamed(statement: unknown): statement is Named {
  return (
    typeof statement === 'object' && statement !== null && 'name' in statement && Boolean(statement.name)
  );
}

/** 0A000 has other meanings too; this is the routine of the server that looks at plans before they are used again. */
function isStalePlan(error: unknown): boolean {
  const { code, routine } = (error ?? {}) as { code?: unknown; routine?: unknown };
  return code === '0A000' && routine === 'RevalidateCachedQuery';
}
