import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { Schema } from './schema/schema.js';

export interface LeaseOptions {
  /** How long the lease lasts without a renewal, in milliseconds. It is renewed three times as often. Default 60,000. */
  leaseMs?: number;
  /** The schema of the unit of work. Default `messaging`. */
  schema?: string;
  log: Logger;
}

const takeIn = (schema: Schema) => `
INSERT INTO ${schema}.lease AS l (name, holder, until) VALUES ($1, $2, now() + $3::int * interval '1 ms')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= now()
RETURNING 1`;

const releaseIn = (schema: Schema) => `DELETE FROM ${schema}.lease WHERE name = $1 AND holder = $2`;

/**
 * Runs `work` while this process holds the lease of this name; resolves to `undefined` if another process holds it.
 * `isLost` turns true when the lease could not be renewed. Then `work` should end, since another process may begin. For a
 * moment two may be at work, so that must do no harm.
 *
 * It is a row and not a lock of the session, since sessions are shared behind a connection pooler and don't end.
 */
export async function withLease<T>(
  pool: Pool,
  name: string,
  { leaseMs = 60_000, schema: schemaName, log }: LeaseOptions,
  work: (isLost: () => boolean) => Promise<T>,
): Promise<T | undefined> {
  const schema = new Schema(schemaName);
  const take = takeIn(schema);
  const holder = uuidv7();
  const taken = async () => (await pool.query(take, [name, holder, leaseMs])).rowCount === 1;
  if (!(await taken())) return undefined;
  let until = performance.now() + leaseMs;
  let isLost = false;
  let renewing: Promise<void> = Promise.resolve();

  async function renew(): Promise<void> {
    const began = performance.now();
    try {
      isLost ||= !(await taken());
      until = began + leaseMs;
    } catch (error) {
      log.warn({ err: error, lease: name }, 'a lease could not be renewed');
    }
  }

  const timer = setInterval(() => {
    renewing = renewing.then(renew);
  }, leaseMs / 3);
  try {
    return await work(() => isLost || performance.now() > until);
  } finally {
    clearInterval(timer);
    await renewing;
    // If this fails, the lease ends after `leaseMs`.
    await pool.query(releaseIn(schema), [name, holder]).catch((error: unknown) => {
      log.warn({ err: error, lease: name }, 'a lease could not be released');
    });
  }
}
