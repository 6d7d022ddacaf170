import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs, jittered } from '@warren/timing';
import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import { commit } from '../transaction/commit.js';

/**
 * While a statement waits for the lock of a table, all later statements on that table wait behind it. So it waits no
 * longer than this, and then lets them pass before it tries again.
 */
export const lockTimeoutMs = 2_000;
const backOff = { firstMs: 1_000, maxMs: 10_000 };

export interface SchemaChangeOptions {
  /** Names the change in logs and errors, for example `a migration of the schema messaging`. */
  what: string;
  log?: Logger | undefined;
  /** How long to retry, in milliseconds. Default: five minutes. */
  withinMs?: number;
}

/**
 * Changes tables in one transaction: all of `work` or nothing of it. A statement that waits longer than 2 s for a lock
 * rolls the transaction back, which is retried with back-off until `withinMs` has passed. The statements themselves may
 * take any time.
 *
 * Throws what `work` throws, and an error that names `what` if a lock was never free.
 */
export async function changeSchema<T>(
  client: ClientBase,
  { what, log, withinMs = 300_000 }: SchemaChangeOptions,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (let failures = 1; ; failures++) {
    try {
      return await inTransaction(client, work);
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (Date.now() > deadline) {
        throw new Error(`${what} failed: other transactions kept locks on the tables`, { cause: error });
      }
      log?.info({ err: error, what }, 'a schema change waits for other transactions; retrying');
      await sleep(jittered(backOffMs(failures, backOff)));
    }
  }
}

async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    await client.query(
      `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
      SET LOCAL lock_timeout = ${lockTimeoutMs}`,
    );
    const value = await work();
    await commit(client);
    return value;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** 55P03 lock not available in time, 40P01 deadlock, XX000 two transactions changed one row of the catalogue. */
function isConflict(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    code === '55P03' || code === '40P01' || (code === 'XX000' && message === 'tuple concurrently updated')
  );
}
