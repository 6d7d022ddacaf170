import { AppError, type ErrorDefinitions } from '@warren/contracts';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { OnceOptions, RawClient } from '../api.js';
import type { Effects } from '../transaction/effects.js';
import { lockKey, takeUserLocks, userLockKeys } from '../transaction/locks.js';
import type { Transactor } from '../transaction/transactor.js';
import { hashOf } from './canonical-json.js';
import { fresh, insertRecord, type OnceRecord, type Outcome, refusalOf, replay } from './record.js';

export interface OnceParts<Db extends RawClient> {
  transactor: Transactor<Db>;
  /** The service's own error codes: recorded refusals are thrown again with them. */
  errors: ErrorDefinitions;
  pool: Pool;
  log: Logger;
}

type Operation = Omit<OnceRecord, 'outcome'> & { lock: string };

interface OpeningRow {
  free: boolean;
  input_hash: string | null;
  outcome: Outcome | null;
}

/**
 * Reads the record, and otherwise takes the operation's lock and then the users' locks, in one round trip.
 *
 * The statement's snapshot is older than its lock, so it may miss a first request that commits in between. Then inserting
 * the record finds that request's record, and the race is lost.
 */
const opening = `
WITH record AS MATERIALIZED (
  SELECT input_hash, outcome FROM messaging.idempotency
  WHERE user_id = $1 AND operation = $2 AND key = $3 AND ${fresh}
), guard AS MATERIALIZED (
  SELECT CASE WHEN EXISTS (SELECT FROM record) THEN false ELSE pg_try_advisory_xact_lock($4::bigint) END AS free
), users AS MATERIALIZED (
  ${takeUserLocks('$5')} WHERE (SELECT free FROM guard)
)
SELECT guard.free, record.input_hash, record.outcome
FROM guard CROSS JOIN users LEFT JOIN record ON true`;

/** At most one execution for each (user, operation, key); see `UnitOfWork.once`. */
export function createOnce<Db extends RawClient>({ transactor, errors, pool, log }: OnceParts<Db>) {
  return async function once<T>(
    options: OnceOptions,
    work: (db: Db, effects: Effects) => Promise<T>,
  ): Promise<{ value: T; replayed: boolean }> {
    const operation = operationOf(options);
    const users = userLockKeys(options.users ?? []);
    let refusal: AppError | undefined;
    try {
      return await transactor.persist(async (db, effects) => {
        refusal = undefined;
        const recorded = await open(db, operation, users);
        if (recorded) return { value: replay(recorded, errors) as T, replayed: true };
        const value = await work(db, effects).catch((error: unknown) => {
          if (error instanceof AppError && !error.temporary) refusal = error;
          throw error;
        });
        effects.marks.record = { ...operation, outcome: { value } };
        return { value, replayed: false };
      });
    } catch (error) {
      if (refusal && error === refusal) await record(operation, refusal);
      throw error;
    }
  };

  /** Runs after the rollback. If a repeat is already in progress, that one's outcome counts. */
  async function record(operation: Operation, refusal: AppError): Promise<void> {
    const values: unknown[] = [];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const free = `pg_try_advisory_xact_lock(${bind(operation.lock)}::bigint)`;
    try {
      await pool.query(insertRecord({ ...operation, outcome: refusalOf(refusal) }, bind, free), values);
    } catch (error) {
      log.warn({ err: error, operation: operation.operation }, 'a refusal could not be recorded');
    }
  }
}

function operationOf({ userId, operation, key, input }: OnceOptions): Operation {
  const lock = String(lockKey('once', JSON.stringify([userId, operation, key])));
  return { userId, operation, key, inputHash: hashOf(input), lock };
}

/** Returns the recorded outcome, or nothing if this transaction must do the work. */
async function open(db: RawClient, operation: Operation, users: string[]): Promise<Outcome | undefined> {
  const { userId, operation: name, key, inputHash, lock } = operation;
  const [row] = await db.$queryRawUnsafe<OpeningRow[]>(opening, userId, name, key, lock, users);
  if (row?.outcome) {
    if (row.input_hash !== inputHash) throw new AppError('idempotency-key-reused');
    return row.outcome;
  }
  if (!row?.free) throw new AppError('request-in-progress');
  return undefined;
}
