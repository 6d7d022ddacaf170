import type { PoolClient } from 'pg';
import type { Logger } from 'pino';
import { commit } from '../transaction/commit.js';

/** While a step waits for a lock, other transactions wait behind it. So it waits only briefly. */
const lockTimeoutMs = 100;
const statementTimeoutMs = 2_000;

/** A step holds its locks until the commit is written, hence asynchronous: a crash only undoes work that is repeated. */
const begin = `
BEGIN;
SET LOCAL lock_timeout = ${lockTimeoutMs};
SET LOCAL statement_timeout = ${statementTimeoutMs};
SET LOCAL synchronous_commit = off`;

const minPauseMs = 10;

/** How often a step is tried that gives way to other transactions, and the pause between two tries. */
const maxTries = 5;
const retryMs = 1_000;

export interface StepParts {
  client: PoolClient;
  log: Logger;
  /** The pause after a step lasts this many times as long as the step. */
  pauseFactor: number;
  /** Waits; ends early when retention stops. */
  sleep(ms: number): Promise<void>;
  /** Whether retention stops: then no further step begins. */
  stopped(): boolean;
  /** Called each time that a step gave way to other transactions. */
  onGaveWay(): void;
}

/**
 * Runs one step of retention in a short transaction of its own, then pauses. A step gives way where a lock is not free
 * at once or a statement takes too long; it is rolled back and retried. Resolves to `undefined` if the step gave way each
 * time or retention stops. Rejects if the database fails.
 */
export type RunStep = <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;

export function createStepRunner({
  client,
  log,
  pauseFactor,
  sleep,
  stopped,
  onGaveWay,
}: StepParts): RunStep {
  return async (what, work) => {
    for (let attempt = 1; attempt <= maxTries && !stopped(); attempt++) {
      const began = performance.now();
      try {
        const value = await runStep(client, work);
        await sleep(Math.max(minPauseMs, pauseFactor * (performance.now() - began)));
        return value;
      } catch (error) {
        if (!gaveWay(error)) throw error;
        onGaveWay();
        log.debug({ err: error, what, attempt }, 'a step of retention gave way to other transactions');
        if (attempt < maxTries) await sleep(retryMs);
      }
    }
    if (!stopped()) log.info({ what }, 'a step of retention is left for the next round: its rows are in use');
    return undefined;
  };
}

/** Runs `work` in one transaction with the time limits above. */
export async function runStep<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query(begin);
  try {
    const value = await work();
    await commit(client);
    return value;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** 55P03 lock not available in time, 57014 statement took too long, 40P01 deadlock. */
function gaveWay(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '57014' || code === '40P01';
}
