import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';

export interface LeaseOptions {
  /** Milliseconds after which others may take it from a process that is gone. Renewed three times as often. */
  leaseMs?: number;
  log: Logger;
}

const take = `
INSERT INTO messaging.lease AS l (name, holder, until) VALUES ($1, $2, now() + $3::int * interval '1 ms')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE l.holder = excluded.holder OR l.until <= now()
RETURNING 1`;

const give = 'DELETE FROM messaging.lease WHERE name = $1 AND holder = $2';

/**
 * Runs `work` while no other process does; `undefined` if one does now. `lost` turns true when the lease could not be
 * renewed: the work should end, since others may begin. So it must be work that harms nothing if two do it for a moment.
 *
 * A row and not a lock of the session: behind a pooler, a session is shared with others and never ends.
 */
export async function withLease<T>(
  pool: Pool,
  name: string,
  { leaseMs = 60_000, log }: LeaseOptions,
  work: (lost: () => boolean) => Promise<T>,
): Promise<T | undefined> {
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
    // Where that fails, it ends by itself.
    await pool.query(give, [name, holder]).catch((error: unknown) => {
      log.warn({ err: error, lease: name }, 'a lease could not be given back');
    });
  }
}
