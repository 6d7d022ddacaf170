import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';

/** Milliseconds: how long a transaction may wait for a connection, and how long it may run. */
const transactionOptions = { maxWait: 3_000, timeout: 10_000 } as const;

/** What every service gives its Prisma client: `new PrismaClient(prismaOptions(pool))`. The pool stays the kit's. */
export function prismaOptions(pool: Pool) {
  return { adapter: new PrismaPg(pool), transactionOptions };
}
