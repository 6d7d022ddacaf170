import { pgClient, type RawClient } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import type pg from 'pg';
import { Type } from 'typebox';
import { type Background, type Doors, defineService } from '../src/index.js';

export interface TinyOptions {
  /** Instead of no doors at all. */
  doors?: () => Doors<RawClient>;
  background?: Background[];
}

/** As little as a service needs. */
export function tinyService({ doors, background = [] }: TinyOptions = {}) {
  return defineService({
    name: 'user',
    port: 4_001,
    contract: userContract,
    config: Type.Object({}),
    database: {
      // Without Prisma's generated code.
      client: (pool: pg.Pool) => ({ ...pgClient(pool), $disconnect: async () => undefined }),
      prisma: new URL('./fixture/prisma/', import.meta.url),
    },
    doors: () => ({ http: [], background, ...doors?.() }),
  });
}
