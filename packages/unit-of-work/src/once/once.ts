import { AppError, type ErrorDefinitions } from '@warren/contracts';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { OnceOptions, OnceOutcome, OnceWork, RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';
import type { Effects } from '../transaction/effects.js';
import { lockKey, takeUserLocks, userLockKeys } from '../transaction/locks.js';
import type { Transactor } from '../transaction/transactor.js';
import { hashOf } from './canonical-json.js';
import { fresh, insertRecord, type OnceRecord, type Outcome, recordedValue, refusalOf } from './record.js';

export interface OnceParts<Db extends RawClient> {
  transactor: Transactor<Db>;
  /** The service's own error codes: recorded refusals are thrown again with them. */
  errors: ErrorDefinitions;
  pool: Pool;
  schema: Schema;
  log: Logger;
}

type Operation = Omit<OnceRecord, 'outcome'> & { lock: string };

interface OpeningRow {
  free: boolean;
  input_hash: string | null;
  outcome: Outcome | null;
}

/**
 * Reads the record; if there is none, takes the lock of the operation and then the locks of the users. One round trip.
 *
 * The snapshot of the statement is older than its lock, so it may miss a first request that commits in between. Inserting
 * the record then finds the record of that request and reports a lost race.
 */
const openingIn = (schema: Schema) => `
WITH record AS MATERIALIZED (
  SELECT input_hash, outcome FROM ${schema}.idempotency
  WHERE user_id = $1 AND operation = $2 AND key = $3 AND ${fresh}
), guard AS MATERIALIZED (
  SELECT CASE WHEN EXISTS (SELECT FROM record) THEN false ELSE pg_try_advisory_xact_lock($4::bigint) END AS free
), users AS MATERIALIZED (
  ${takeUserLocks('$5')} WHERE (SELECT free FROM guard)
)
SELECT guard.free, record.input_hash, record.outcome
FROM guard CROSS JOIN users LEFT JOIN record ON true`;

/** Runs an operation at most once for each (user, operation, key); see `UnitOfWork.once`. */
export function createOnce<Db extends RawClient>({ transactor, errors, pool, schema, log }: OnceParts<Db>) {
  const opening = openingIn(schema);

  return async function once<Recorded, Result>(
    options: OnceOptions,
    work: (db: Db, effects: Effects) => Promise<OnceWork<Recorded, Result>>,
  ): Promise<OnceOutcome<Recorded, Result>> {
    const operation = operationOf(schema, options);
    const users = userLockKeys(schema, options.users ?? []);
    let refusal: AppError | undefined;
    try {
      return await transactor.persist(async (db, effects) => {
        refusal = undefined;
        const recorded = await open(db, opening, operation, users);
        if (recorded) return { ran: false, recorded: recordedValue(recorded, errors) as Recorded };
        const done = await work(db, effects).catch((error: unknown) => {
          if (error instanceof AppError && !error.temporary) refusal = error;
          throw error;
        });
        effects.marks.record = { ...operation, outcome: { value: done.record } };
        return { ran: true, result: done.result };
      });
    } catch (error) {
      if (refusal && error === refusal) await recordRefusal(operation, refusal);
      throw error;
    }
  };

  /** Runs after the rollback. If a repeat is in progress already, its outcome counts. */
  async function recordRefusal(operation: Operation, refusal: AppError): Promise<void> {
    const values: unknown[] = [];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const free = `pg_try_advisory_xact_lock(${bind(operation.lock)}::bigint)`;
    try {
      await pool.query(
        insertRecord(schema, { ...operation, outcome: refusalOf(refusal) }, bind, free),
        values,
      );
    } catch (error) {
      log.warn({ err: error, operation: operation.operation }, 'a refusal could not be recorded');
    }
  }
}

function operationOf(schema: Schema, { userId, operation, key, input }: OnceOptions): Operation {
  const lock = String(lockKey(schema, 'once', JSON.stringify([userId, operation, key])));
  return { userId, operation, key, inputHash: hashOf(input), lock };
}

/** Resolves to the recorded outcome, or to undefined if this transaction has the lock and does the work. */
async function open(
  db: RawClient,
  opening: string,
  operation: Operation,
  users: string[],
): Promise<Outcome | undefined> {
  const { userId, operation: name, key, inputHash, lock } = operation;
  const [row] = await db.$queryRawUnsafe<OpeningRow[]>(opening, userId, name, key, lock, users);
  if (row?.outcome) {
    if (row.input_hash !== inputHash) throw new AppError('idempotency-key-reused');
    return row.outcome;
  }
  if (!row?.free) throw new AppError('request-in-progress');
  return undefined;
}
