import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';

/** Milliseconds between attempts to connect. */
const pauseMs = 2_000;

/** The database can be reached, but a service can't use it. The message says why, and what to do. */
export class UnsuitableDatabase extends Error {
  override readonly name = 'UnsuitableDatabase';
}

export interface ConnectOptions {
  url: string;
  log?: Logger | undefined;
  /** Milliseconds to wait for a database that can't be reached yet. Default 0. */
  waitMs?: number | undefined;
}

/** Opens a connection for `work`. Throws if the database can't be reached, or if the connection is lost meanwhile. */
export async function withConnection<T>(
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectWithin(options);
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  try {
    const result = await work(client);
    if (lost) throw lost;
    return result;
  } finally {
    await client.end().catch(() => {});
  }
}

async function connectWithin({ url, log, waitMs = 0 }: ConnectOptions): Promise<pg.Client> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: 'warren-start',
    });
    try {
      await client.connect();
      return client;
    } catch (cause) {
      const leftMs = giveUpAt - Date.now();
      if (leftMs <= 0) throw new Error('the database cannot be reached', { cause });
      const left = `${Math.ceil(leftMs / 1_000)} s more`;
      log?.info({ err: cause }, `the database cannot be reached yet; waiting ${left}`);
      await sleep(Math.min(leftMs, pauseMs));
    }
  }
}

/**
 * Whether the client is connected to the server itself. A pooler such as PgBouncer invents process ids for its clients, so
 * they differ from the server's.
 */
export async function isDirect(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid === (client as { processID?: number }).processID;
}

/** Any number that no other program locks in this database. */
const lockKey = 7_271_836_471;
/** How long instances that start at the same time wait for each other. */
const turnTimeout = '120s';

/**
 * Opens a connection for `work` while no other process migrates this database; waits up to two minutes for that. The lock
 * belongs to the connection, so the server releases it even if this process dies.
 *
 * Throws if the database can't be reached, and `UnsuitableDatabase` behind a pooler, which would share the connection.
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
