import { Socket } from 'node:net';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { ServerAbilities } from './inspect.js';
import { preparingClient, RepeatingPool } from './statement-plans.js';

export interface PoolOptions {
  url: string;
  max: number;
  service: string;
  log: Logger;
  /** As `inspectDatabase` found it. Default: a server without a pooler. */
  server?: ServerAbilities;
  /** Milliseconds without a received byte after which a connection in use is closed. Default 20,000. */
  silenceMs?: number;
}

/** In milliseconds. A pooler doesn't pass these on, so `inspectDatabase` requires them of the role. */
const limits = { statement_timeout: 15_000, idle_in_transaction_session_timeout: 15_000 };

/**
 * Every wait is bounded: 5 s for a connection, 15 s for a statement, 15 s in an idle transaction. The server enforces the
 * last two, so if a connection is silent for longer, the server is gone.
 */
export function createPool({
  url,
  max,
  service,
  log,
  server = { pooled: false, named: true },
  silenceMs = 20_000,
}: PoolOptions): pg.Pool {
  const pool = new RepeatingPool({
    Client: preparingClient({ named: server.named, generation: 0 }),
    // A transaction sends BEGIN with its first statement and COMMIT with its last one.
    pipeline: true,
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    ...(!server.pooled && limits),
    // Shorter than the allowed silence, so that an unused connection is closed regularly.
    idleTimeoutMillis: Math.min(10_000, silenceMs / 2),
    stream: () => socketWithTimeout(silenceMs),
    keepAlive: true,
    application_name: `warren-${service}`,
  });
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on('error', (err) => log.warn({ err }, 'an idle database connection was lost'));
  // The same goes for a connection in use that is lost between two queries. Its next query fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Without this, TCP notices only after 15 minutes, or never, that the other side has disappeared. */
function socketWithTimeout(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => socket.destroy());
  return socket;
}
