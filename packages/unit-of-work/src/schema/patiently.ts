import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { Logger } from 'pino';
import { jittered } from '../jitter.js';
import { commit } from '../transaction/commit.js';

/**
 * While a statement waits for a table's lock, everybody who comes after it waits behind it. So it waits for this long
 * only, and lets them pass before it asks again.
 */
export const lockTimeoutMs = 2_000;
const firstPauseMs = 1_000;
const mostPauseMs = 10_000;

export interface PatientlyOptions {
  /** What is being done, for logs and errors: `migration 4 of the messaging schema`. */
  what: string;
  log?: Logger | undefined;
  /** Milliseconds after which it is given up. Default five minutes. */
  withinMs?: number;
}

/**
 * Changes tables in one transaction: all of `work` or nothing of it. It waits 2 s at most for a lock, then is rolled
 * back and tried again after a pause, until `withinMs` has passed. The statements themselves may take any time.
 *
 * Throws what `work` throws, and for a lock that never was free an error that says so.
 */
export async function patiently<T>(
  client: ClientBase,
  { what, log, withinMs = 300_000 }: PatientlyOptions,
  work: () => Promise<T>,
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(mostPauseMs, pauseMs * 2)) {
    try {
      return await inTransaction(client, work);
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (Date.now() > giveUpAt) {
        throw new Error(`${what} was given up: others kept in use what it changes`, { cause: error });
      }
      log?.info({ err: error, what }, 'a change of the database gave way to others; trying again');
      await sleep(jittered(pauseMs));
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

/** 55P03 a lock was not free in time, 40P01 deadlock; XX000 two changed one row of the catalogue at once. */
function isPassing(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    code === '55P03' || code === '40P01' || (code === 'XX000' && message === 'tuple concurrently updated')
  );
}
