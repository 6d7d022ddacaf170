import { PrismaPg } from '@prisma/adapter-pg';
import type { Pool } from 'pg';

/** Milliseconds: how long a transaction may wait for a connection, and how long it may run. */
const transactionOptions = { maxWait: 3_000, timeout: 10_000 } as const;

/** What every service gives its Prisma client: `new PrismaClient(prismaOptions(pool))`. The pool stays the kit's. */
export function prismaOptions(pool: Pool) {
  const adapter = new PrismaPg(pool, { statementNameGenerator: statementNames() });
  return { adapter, transactionOptions };
}

const mostStatements = 500;

/**
 * Names make PostgreSQL keep a statement's plan: parsing and planning would cost more than running it. A service
 * has few statements; what goes beyond the bound, such as lists of varying length, runs unnamed.
 */
function statementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= mostStatements) return known ?? '';
    const name = `warren_${names.size}`;
    names.set(sql, name);
    return name;
  };
}
