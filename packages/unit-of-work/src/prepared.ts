import type { QueryConfig } from 'pg';

/** Makes queries of one statement that PostgreSQL parses and plans once a connection. One name, one text. */
export function prepared(name: string, text: string): (values: unknown[]) => QueryConfig {
  return (values) => ({ name: `messaging_${name}`, text, values });
}
