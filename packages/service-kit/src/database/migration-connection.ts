import type pg from 'pg';
import { type ConnectOptions, isDirect, withConnection } from './connect.js';
import { UnsuitableDatabase } from './own-database.js';

/** Any number that nobody else locks in this database. */
const lockKey = 7_271_836_471;
/** How long instances that start at once wait for each other. */
const turnTimeout = '120s';

/**
 * Lends a connection to `work` while nobody else migrates this database. The lock is the connection's own, so the
 * server frees it whatever becomes of this process; whoever else migrates waits up to two minutes.
 *
 * Throws where the database can't be reached, and where a pooler stands between that would share the connection.
 */
export async function withMigrationConnection<T>(
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return await withConnection(options, async (client) => {
    if (!(await isDirect(client))) throw new UnsuitableDatabase(directNeeded);
    await client.query(`SET lock_timeout = '${turnTimeout}'`);
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    return await work(client);
  });
}

const directNeeded =
  'migrations need a connection of their own, and a pooler such as PgBouncer answers here: set MIGRATE_DATABASE_URL to the address of the server itself';
