import { checkCommitted } from '@warren/unit-of-work';
import type { Pool, PoolClient } from 'pg';

/**
 * The pool as Prisma's driver adapter sees it: COMMIT on its connections rejects where the database rolled back instead.
 * The adapter itself drops the command tag, which is all that tells.
 */
export function checkedCommits(pool: Pool): Pool {
  const checked = new WeakSet<PoolClient>();

  async function connect(): Promise<PoolClient> {
    const client = await pool.connect();
    if (!checked.has(client)) check(client);
    checked.add(client);
    return client;
  }

  return new Proxy(pool, {
    get(target, property) {
      if (property === 'connect') return connect;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type Query = (statement: unknown, ...more: unknown[]) => unknown;

function check(client: PoolClient): void {
  const query = client.query.bind(client) as Query;
  const checking: Query = (statement, ...more) => {
    const answer = query(statement, ...more);
    if (!isCommit(statement) || !(answer instanceof Promise)) return answer;
    return answer.then((result: { command: string }) => {
      checkCommitted(result.command);
      return result;
    });
  };
  client.query = checking as typeof client.query;
}

function isCommit(statement: unknown): boolean {
  if (typeof statement === 'string') return statement === 'COMMIT';
  return (statement as { text?: unknown } | null)?.text === 'COMMIT';
}
