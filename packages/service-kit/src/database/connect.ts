import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';

const pauseMs = 2_000;

export interface ConnectOptions {
  url: string;
  log?: Logger | undefined;
  /** Milliseconds to wait for a database that isn't there yet. Default 0. */
  waitMs?: number | undefined;
}

/** Lends a connection of its own to `work`. Throws where the database can't be reached, or is lost meanwhile. */
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
 * True where the connection is the server's own. A pooler such as PgBouncer gives its clients process ids that it makes
 * up, since none of them has a process of its own.
 */
export async function isDirect(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid === (client as { processID?: number }).processID;
}
