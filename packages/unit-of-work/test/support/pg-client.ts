import type { RawClient, TransactionalClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import { commit } from '../../src/transaction/commit.js';

/** The least client that carries a unit of work. `statements` is everything it sent, in order. */
export interface PgClient extends TransactionalClient<RawClient> {
  readonly statements: string[];
}

export function pgClient(pool: Pool, isAway = () => false): PgClient {
  const statements: string[] = [];
  return {
    statements,
    async $transaction(work, options) {
      if (isAway()) throw Object.assign(new Error('the database is away'), { code: '57P03' });
      const connection = await pool.connect();
      // The failed query tells; without a listener a cut connection would end the process.
      connection.on('error', ignore);
      const query = async (sql: string, values?: unknown[]) => {
        statements.push(sql);
        return (await connection.query(sql, values)).rows;
      };
      const release = (broken = false) => {
        connection.off('error', ignore);
        connection.release(broken);
      };
      try {
        await query(
          options?.isolationLevel === 'RepeatableRead' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN',
        );
        const result = await work({
          $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => (await query(sql, values)) as T,
        });
        statements.push('COMMIT');
        await commit(connection);
        release();
        return result;
      } catch (error) {
        await query('ROLLBACK').then(
          () => release(),
          () => release(true),
        );
        throw error;
      }
    },
  };
}

const ignore = () => undefined;
