import pg from 'pg';
import type { Logger } from 'pino';

export interface PoolOptions {
  url: string;
  max: number;
  service: string;
  log: Logger;
}

/** Every wait is bounded: for a connection 5 s, for a statement 15 s, for an idle transaction 30 s. */
export function createPool({ url, max, service, log }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    application_name: `warren-${service}`,
  });
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on('error', (err) => log.warn({ err }, 'an idle database connection was lost'));
  return pool;
}
