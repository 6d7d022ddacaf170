import type { QueryConfig } from 'pg';

/** At most 31 characters, so that the names of prepared statements stay within PostgreSQL's 63. */
const schemaPattern = /^(?!pg_|public$|information_schema$)[a-z][a-z0-9_]{0,30}$/;

/** Thrown if the one row of `meta` is missing. */
export const damaged = (): Error => new Error('The table meta is empty: the schema of the kit is damaged');

export const defaultSchema = 'messaging';

/**
 * The PostgreSQL schema that holds the kit's tables. Each module builds its statements once from it: in a template
 * literal, `${schema}.outbox` names a table.
 */
export class Schema {
  readonly name: string;

  /** Throws `RangeError` for a name that is not plain lower case, or that belongs to PostgreSQL or to the service. */
  constructor(name: string = defaultSchema) {
    if (!schemaPattern.test(name)) throw new RangeError(`${name} can't be the name of the kit's schema`);
    this.name = name;
  }

  /** Quoted, since a plain name may be a key word of SQL. */
  toString(): string {
    return `"${this.name}"`;
  }

  /**
   * Makes queries of one statement that PostgreSQL parses and plans once for each connection. Each `name` belongs to one text.
   */
  prepared(name: string, text: string): (values: unknown[]) => QueryConfig {
    return (values) => ({ name: `${this.name}_${name}`, text, values });
  }
}
