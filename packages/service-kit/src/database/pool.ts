import { Socket } from 'node:net';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Server } from './meet.js';
import { PlannedPool, plannedClient } from './planned-client.js';

export interface PoolOptions {
  url: string;
  max: number;
  service: string;
  log: Logger;
  /** Default: a server without a pooler before it. */
  server?: Server;
  /** Milliseconds without a byte after which a connection in use is given up. Default 20,000. */
  silenceMs?: number;
}

/** A pooler takes none from us: see `meetDatabase`. */
const limits = { statement_timeout: 15_000, idle_in_transaction_session_timeout: 15_000 };

/**
 * Every wait is bounded: for a connection 5 s, for a statement 15 s, for an idle transaction 15 s. The server ends the
 * last two, so a connection that is silent for longer has no server any more.
 */
export function createPool({
  url,
  max,
  service,
  log,
  server = { pooled: false, named: true },
  silenceMs = 20_000,
}: PoolOptions): pg.Pool {
  const pool = new PlannedPool({
    Client: plannedClient({ named: server.named, generation: 0 }),
    // A transaction sends BEGIN with its first statement and COMMIT with its last one.
    pipeline: true,
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    ...(!server.pooled && limits),
    // Shorter than the silence that is allowed: a connection that nobody uses is closed in peace.
    idleTimeoutMillis: Math.min(10_000, silenceMs / 2),
    stream: () => impatientSocket(silenceMs),
    keepAlive: true,
    application_name: `warren-${service}`,
  });
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on('error', (err) => log.warn({ err }, 'an idle database connection was lost'));
  // One that is lent may be lost between two queries, or on its way to the next one who waits for it. Whoever
  // uses it is told by the query; without a listener this too would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** TCP alone finds out after a quarter of an hour, or never, that the other side is gone without a word. */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => socket.destroy());
  return socket;
}
