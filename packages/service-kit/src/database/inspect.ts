import type pg from 'pg';
import { type ConnectOptions, isDirect, UnsuitableDatabase, withConnection } from './connect.js';
import { type Owner, requireOwnDatabase } from './own-database.js';

/** What stands between a service and its database, and what that allows. */
export interface ServerAbilities {
  /** A pooler stands before the server. It shares connections, so a client can't set parameters of its own. */
  pooled: boolean;
  /** Prepared statements may have names, so that the server keeps their plans. */
  named: boolean;
}

/** Checks the service's database before it is used. Throws `UnsuitableDatabase` if the service can't work on it. */
export async function inspectDatabase(options: ConnectOptions & Owner): Promise<ServerAbilities> {
  return await withConnection(options, async (client) => {
    await requireOwnDatabase(client, options);
    if (await isDirect(client)) return { pooled: false, named: true };
    await requireTimeouts(client);
    return { pooled: true, named: await keepsNames(client) };
  });
}

const timeouts = ['statement_timeout', 'idle_in_transaction_session_timeout'] as const;

/** Parameters of a connection don't pass a pooler, so the role must set them on the server. */
async function requireTimeouts(client: pg.Client): Promise<void> {
  for (const timeout of timeouts) {
    const { rows } = await client.query<{ value: string; role: string }>(
      'SELECT current_setting($1) AS value, quote_ident(current_user) AS role',
      [timeout],
    );
    const [{ value, role } = { value: '0', role: '' }] = rows;
    if (value !== '0') continue;
    const statements = timeouts.map((name) => `ALTER ROLE ${role} SET ${name} = '15s'`).join('; ');
    throw new UnsuitableDatabase(
      `a pooler such as PgBouncer answers for the database, so the role must limit the time that a statement may take: ${statements}`,
    );
  }
}

const probe = 'warren_probe';

/** PgBouncer since 1.21 can rename the prepared statements of its clients, so that they don't clash. */
async function keepsNames(client: pg.Client): Promise<boolean> {
  try {
    const text = 'SELECT name FROM pg_prepared_statements';
    const { rows } = await client.query<{ name: string }>({ name: probe, text });
    return rows.length > 0 && rows.every(({ name }) => name !== probe);
  } catch {
    // Another client's statement already has this name, so the pooler doesn't rename them.
    return false;
  }
}
