import type { Pool, PoolClient } from 'pg';
import { commit } from '../transaction/commit.js';

/** Waiting for a lock makes others wait behind; far below what anyone notices. */
const lockTimeoutMs = 100;
const statementTimeoutMs = 2_000;

/** Asynchronous, since locks are held until the commit is written: what a crash takes back is done again. */
const begin = `
BEGIN;
SET LOCAL lock_timeout = ${lockTimeoutMs};
SET LOCAL statement_timeout = ${statementTimeoutMs};
SET LOCAL synchronous_commit = off`;

const lock = `hashtextextended('warren.messaging.retention', 0)`;

/** Runs one short transaction that rather fails than keeps others waiting. */
export async function step<T>(client: PoolClient, work: (client: PoolClient) => Promise<T>): Promise<T> {
  await client.query(begin);
  try {
    const value = await work(client);
    await commit(client);
    return value;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** The step gave way: a lock was not free in time, or a statement took too long. */
export function gaveWay(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '57014' || code === '40P01';
}

/**
 * Runs `work` while no other process does; `undefined` if one does now. The lock is the connection's, so it ends
 * with the process at the latest.
 */
export async function alone<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
  const client = await pool.connect();
  // The failed query tells; without a listener a cut connection would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let sound = false;
  try {
    const { rows } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_lock(${lock}) AS free`);
    if (!rows[0]?.free) {
      sound = true;
      return undefined;
    }
    const value = await work(client);
    await client.query(`SELECT pg_advisory_unlock(${lock})`);
    sound = true;
    return value;
  } finally {
    client.off('error', ignore);
    // A destroyed connection gives its locks back, whatever state it was in.
    client.release(!sound);
  }
}
