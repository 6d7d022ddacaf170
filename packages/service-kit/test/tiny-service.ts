import type { RawClient } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import type pg from 'pg';
import { Type } from 'typebox';
import { type Background, type Doors, defineService } from '../src/index.js';

/** As little as a service needs, without Prisma's generated code: transactions over the pool that the kit made. */
class TinyClient {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async $transaction<T>(work: (tx: RawClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    const tx: RawClient = {
      $queryRawUnsafe: async <R>(sql: string, ...values: unknown[]) =>
        (await client.query(sql, values)).rows as R,
    };
    try {
      await client.query('BEGIN');
      const result = await work(tx);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  async $disconnect(): Promise<void> {}
}

export interface TinyOptions {
  /** Instead of no doors at all. */
  doors?: () => Doors<RawClient>;
  background?: Background[];
}

export function tinyService({ doors, background = [] }: TinyOptions = {}) {
  return defineService({
    name: 'user',
    port: 4_001,
    contract: userContract,
    config: Type.Object({}),
    database: {
      client: (pool: pg.Pool) => new TinyClient(pool),
      prisma: new URL('./fixture/prisma/', import.meta.url),
    },
    doors: () => ({ http: [], background, ...doors?.() }),
  });
}
