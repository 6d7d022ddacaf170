import { pgClient, type RawClient, type TransactionalClient } from '@warren/unit-of-work';
import type { Pool, PoolClient } from 'pg';

export interface RecordingClient extends TransactionalClient<RawClient> {
  /** Everything that was sent, in order. */
  readonly statements: string[];
}

/** The kit's client on node-postgres, which records what it sends. While `isAway`, it gets no connection. */
export function recordingClient(pool: Pool, isAway = () => false): RecordingClient {
  const statements: string[] = [];

  async function connect(): Promise<PoolClient> {
    if (isAway()) throw Object.assign(new Error('the database is away'), { code: '57P03' });
    const client = await pool.connect();
    return new Proxy(client, {
      get(target, property) {
        if (property === 'query') {
          return (statement: string | { text: string }) => {
            statements.push(typeof statement === 'string' ? statement : statement.text);
            return target.query(statement);
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  return { statements, ...pgClient({ connect } as unknown as Pool) };
}
