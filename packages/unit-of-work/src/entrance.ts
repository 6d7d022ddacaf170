import { AppError } from '@warren/contracts';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Cause, RawClient, RunOptions, TransactionalClient, UnitOfWork } from './api.js';
import { isOutage } from './failures.js';
import { createSnapshotHead } from './feed/reader.js';
import type { Limits } from './limits.js';
import type { createOnce } from './once/once.js';
import type { Relay } from './outbox/relay.js';
import { requestCopyAgain } from './replay/copies.js';
import type { Schema } from './schema/schema.js';
import { lockUsers } from './transaction/locks.js';
import type { Transactor } from './transaction/transactor.js';
import { joinTx } from './transaction/tx.js';

export interface EntranceParts<Db extends RawClient> {
  client: TransactionalClient<Db>;
  pool: Pool;
  schema: Schema;
  transactor: Transactor<Db>;
  relay: Pick<Relay, 'overloaded'>;
  once: ReturnType<typeof createOnce<Db>>;
  /** Commits a transaction that writes; rejects if that fails. */
  probe(): Promise<void>;
  limits: Limits;
}

/** The unit of work as HTTP requests, commands and background work use it. */
export function createEntrance<Db extends RawClient>(parts: EntranceParts<Db>): UnitOfWork<Db> {
  const { client, pool, schema, transactor, relay, probe, limits } = parts;
  const headOfSnapshot = createSnapshotHead(schema);

  /** Refuses new work while too many events wait for the broker. Events of other services don't come this way. */
  async function admitted<T>({ admit = true }: RunOptions, start: () => Promise<T>): Promise<T> {
    if (admit && relay.overloaded) throw new AppError('service-overloaded');
    return known(start);
  }

  /** Turns an unreachable database into `service-unavailable`, and leaves all other errors as they are. */
  async function known<T>(start: () => Promise<T>): Promise<T> {
    try {
      return await start();
    } catch (error) {
      if (error instanceof AppError || !(await isOutage(error, probe))) throw error;
      throw new AppError('service-unavailable', { cause: error });
    }
  }

  return {
    run: (work, options = {}) => {
      const { users = [], cause = newCause() } = options;
      return admitted(options, () =>
        transactor.persist(async (db, effects) => {
          await lockUsers(db, schema, users);
          return work(joinTx(db, schema, effects.causedBy(cause)));
        }),
      );
    },

    once: (options, work) => {
      const cause = options.cause ?? newCause();
      return admitted(options, () =>
        parts.once(options, (db, effects) => work(joinTx(db, schema, effects.causedBy(cause)))),
      );
    },

    requestCopyAgain: (source) => known(() => requestCopyAgain(pool, schema, source)),

    readAsOf: (userId, read) =>
      known(() =>
        client.$transaction(
          async (db) => {
            const { cursor } = await headOfSnapshot(db, userId);
            return { value: await read(db), asOf: cursor };
          },
          { maxWait: limits.maxWaitMs, timeout: limits.transactionMs, isolationLevel: 'RepeatableRead' },
        ),
      ),
  };
}

function newCause(): Cause {
  return { correlationId: uuidv7() };
}
