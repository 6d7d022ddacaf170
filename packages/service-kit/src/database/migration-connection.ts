import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';

/** Any number that nobody else locks in this database. */
const lockKey = 7_271_836_471;
/** How long instances that start at once wait for each other. */
const turnTimeoutMs = 120_000;
const pauseMs = 2_000;

export interface MigrationConnectionOptions {
  /** The database's address, as a role that may change its tables. */
  url: string;
  log?: Logger | undefined;
  /** Milliseconds to wait for a database that isn't there yet. Default 0. */
  waitMs?: number | undefined;
}

/**
 * Lends a connection to `work` while nobody else migrates this database. The lock is the connection's own, so the
 * server frees it whatever becomes of this process; whoever else migrates waits up to two minutes.
 *
 * Throws where the database can't be reached, and where a pooler stands between that would share the connection.
 */
export async function withMigrationConnection<T>(
  options: MigrationConnectionOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectWithin(options);
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  try {
    await demandDirect(client);
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    const result = await work(client);
    if (lost) throw lost;
    return result;
  } finally {
    await client.end().catch(() => {});
  }
}

async function connectWithin({ url, log, waitMs = 0 }: MigrationConnectionOptions): Promise<pg.Client> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 10_000,
      lock_timeout: turnTimeoutMs,
      keepAlive: true,
      application_name: 'warren-migration',
    });
    try {
      await client.connect();
      return client;
    } catch (cause) {
      if (isPooler(cause)) throw new Error(directNeeded, { cause });
      const leftMs = giveUpAt - Date.now();
      if (leftMs <= 0) throw new Error('the database cannot be reached', { cause });
      log?.info(
        { err: cause },
        `the database cannot be reached yet; waiting ${Math.ceil(leftMs / 1_000)} s more`,
      );
      await sleep(Math.min(leftMs, pauseMs));
    }
  }
}

const directNeeded =
  'migrations need a direct connection: a pooler such as PgBouncer answers here; set MIGRATE_DATABASE_URL to the server itself';

/** PgBouncer refuses what it doesn't know among the parameters with which a connection starts. */
function isPooler(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === '08P01' && String(message).startsWith('unsupported startup parameter');
}

/** One that is told to ignore such a parameter answers as if it had set it. */
async function demandDirect(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT extract(epoch FROM current_setting('lock_timeout')::interval) * 1000 AS ms`,
  );
  if (Number(rows[0]?.ms) !== turnTimeoutMs) throw new Error(directNeeded);
}
