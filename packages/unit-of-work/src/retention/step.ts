import type { PoolClient } from 'pg';
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
