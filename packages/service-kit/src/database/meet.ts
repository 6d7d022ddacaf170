import type pg from 'pg';
import { type ConnectOptions, isDirect, withConnection } from './connect.js';
import { demandOwnDatabase, type Owner, UnsuitableDatabase } from './own-database.js';

/** How a service has to treat its database's server. */
export interface Server {
  /** A pooler lends out its own connections, so that none of ours has settings of its own. */
  pooled: boolean;
  /** Statements may have names, under which the server keeps their plans. */
  named: boolean;
}

/**
 * Looks at the service's database before it is used. Throws `UnsuitableDatabase` where the service can't work on it.
 */
export async function meetDatabase(options: ConnectOptions & Owner): Promise<Server> {
  return await withConnection(options, async (client) => {
    await demandOwnDatabase(client, options);
    if (await isDirect(client)) return { pooled: false, named: true };
    await demandLimits(client);
    return { pooled: true, named: await keepsNames(client) };
  });
}

const limits = ['statement_timeout', 'idle_in_transaction_session_timeout'] as const;

/** Settings of a connection would be lost on the way through a pooler; those of a role are the server's. */
async function demandLimits(client: pg.Client): Promise<void> {
  for (const limit of limits) {
    const { rows } = await client.query<{ value: string; role: string }>(
      'SELECT current_setting($1) AS value, quote_ident(current_user) AS role',
      [limit],
    );
    const [{ value, role } = { value: '0', role: '' }] = rows;
    if (value !== '0') continue;
    const statements = limits.map((name) => `ALTER ROLE ${role} SET ${name} = '15s'`).join('; ');
    throw new UnsuitableDatabase(
      `a pooler such as PgBouncer answers for the database, so the time that a statement may take must be the role's: ${statements}`,
    );
  }
}

const probe = 'warren_probe';

/** PgBouncer from 1.21 on keeps its clients' statements apart by giving them names of its own, where it is told to. */
async function keepsNames(client: pg.Client): Promise<boolean> {
  try {
    const text = 'SELECT name FROM pg_prepared_statements';
    const { rows } = await client.query<{ name: string }>({ name: probe, text });
    return rows.length > 0 && rows.every(({ name }) => name !== probe);
  } catch {
    // Somebody's statement of that name is still there: names aren't kept apart.
    return false;
  }
}
