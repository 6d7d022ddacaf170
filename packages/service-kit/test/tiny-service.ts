import { defineContract } from '@warren/contracts';
import { pgClient, type RawClient } from '@warren/unit-of-work';
import type pg from 'pg';
import { Type } from 'typebox';
import { type Background, type Doors, defineService } from '../src/index.js';

/** Publishes and consumes nothing. */
export const tinyContract = defineContract({
  service: 'user' as string,
  emits: {},
  commands: {},
  feed: {},
});

export interface TinyOptions {
  /** Default: no doors. */
  doors?: () => Doors<RawClient, typeof tinyContract>;
  background?: Background[];
}

/** The smallest possible service. */
export function tinyService({ doors, background = [] }: TinyOptions = {}) {
  return defineService({
    contract: tinyContract,
    port: 4_001,
    config: Type.Object({}),
    database: {
      // Not a Prisma client, so no code has to be generated.
      client: (pool: pg.Pool) => ({ ...pgClient(pool), $disconnect: async () => undefined }),
      prisma: new URL('./fixture/prisma/', import.meta.url),
    },
    doors: () => ({ http: [], background, ...doors?.() }),
  });
}
