import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { TransactionOptions } from '../api.js';
import { isStalePlan } from '../failures.js';
import { checkCommitted } from './commit.js';

/** A pool. Its connections should have `pipeline: true`. */
export type Connections = Pick<Pool, 'connect'>;

/** How often a transaction runs again because tables changed under its plans. */
const maxReruns = 2;
const defaultTimeoutMs = 10_000;

/**
 * Runs `work` in a transaction and commits it. Rolls back if `work` throws. If the server refuses a plan because a
 * table has changed since, `work` runs again in a new transaction, so it must have no effects of its own.
 */
export async function inTransaction<T>(
  pool: Connections,
  options: TransactionOptions,
  work: (transaction: PgTransaction) => Promise<T>,
): Promise<T> {
  for (let reruns = 0; ; reruns++) {
    const transaction = new PgTransaction(await pool.connect(), options);
    try {
      const value = await work(transaction);
      await transaction.commit();
      return value;
    } catch (error) {
      await transaction.rollback();
      if (!transaction.hadStalePlan || reruns === maxReruns) throw error;
    }
  }
}

/**
 * One transaction on a connection of node-postgres. It saves round trips: BEGIN travels with the first statement, and
 * COMMIT with the last one if that is sent by `commitWith`. A transaction without statements sends nothing.
 *
 * It rolls back after the time-out. `statement_timeout` bounds the last statement, because COMMIT is sent with it. Once
 * the transaction has ended it refuses statements: another transaction may use the connection by then.
 */
export class PgTransaction {
  readonly #client: PoolClient;
  readonly #begin: string;
  readonly #timer: NodeJS.Timeout;
  /** The answer to BEGIN, once that is sent. */
  #begun: Promise<unknown> | undefined;
  /** Why no more statements are taken. */
  #ended: Error | undefined;
  #committed = false;
  #hadStalePlan = false;

  constructor(client: PoolClient, { timeout = defaultTimeoutMs, isolationLevel }: TransactionOptions = {}) {
    this.#client = client;
    this.#begin = isolationLevel ? `BEGIN ISOLATION LEVEL ${isolationLevels[isolationLevel]}` : 'BEGIN';
    this.#timer = setTimeout(() => void this.rollback(tooSlow(timeout)), timeout);
    // The failed statement reports a lost connection. Without a listener, the event would end the process.
    client.on('error', ignore);
  }

  /** A statement failed because a table has changed since it was planned: a new transaction makes a new plan. */
  get hadStalePlan(): boolean {
    return this.#hadStalePlan;
  }

  /** Sends the statement at once, behind those that were sent before. */
  query<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>> {
    if (this.#ended) return Promise.reject(this.#ended);
    const result = inOneWrite(this.#client, () => this.#send<Row>(statement));
    // The work may no longer wait for it when it fails. The transaction then fails at COMMIT.
    result.catch(ignore);
    return result;
  }

  /**
   * Sends the statement and COMMIT together, and resolves when both have succeeded. If the statement fails, the server
   * answers COMMIT with a rollback, and this rejects with the statement's error.
   */
  async commitWith<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>> {
    if (this.#ended) throw this.#ended;
    const answers = inOneWrite(this.#client, () => [this.#send<Row>(statement), this.#commit()] as const);
    const [result, commit] = await Promise.allSettled(answers);
    if (result.status === 'rejected') throw result.reason;
    if (commit.status === 'rejected') throw commit.reason;
    return result.value;
  }

  /** Does nothing after `commitWith`. Rejects if the server rolled back instead. */
  async commit(): Promise<void> {
    if (this.#committed) return;
    if (this.#ended) throw this.#ended;
    await this.#commit();
  }

  /** Does nothing if the transaction has ended. Never rejects: it closes a connection that fails here. */
  async rollback(why = new Error('the transaction is rolled back already')): Promise<void> {
    if (this.#ended) return;
    this.#end(why);
    if (!this.#begun) return this.#release();
    await this.#client.query('ROLLBACK').then(
      () => this.#release(),
      (error: Error) => this.#release(error),
    );
  }

  #send<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>> {
    if (!this.#begun) {
      this.#begun = this.#client.query(this.#begin);
      // Without a transaction, each later statement would commit by itself, so nothing more is sent.
      this.#begun.catch((error: Error) => void this.rollback(error));
    }
    return this.#client.query<Row>(statement).catch((error: unknown) => {
      if (isStalePlan(error)) this.#hadStalePlan = true;
      throw error;
    });
  }

  async #commit(): Promise<void> {
    this.#end(new Error('the transaction is committed already'));
    if (this.#begun) {
      const answers = Promise.all([this.#client.query('COMMIT'), this.#begun]);
      const [{ command }] = await answers.catch((error: Error) => {
        this.#release(error);
        throw error;
      });
      this.#release();
      checkCommitted(command);
    } else {
      this.#release();
    }
    this.#committed = true;
  }

  #end(why: Error): void {
    this.#ended = why;
    clearTimeout(this.#timer);
  }

  #release(error?: Error): void {
    this.#client.off('error', ignore);
    this.#client.release(error);
  }
}

const isolationLevels = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
} satisfies Record<NonNullable<TransactionOptions['isolationLevel']>, string>;

const ignore = () => undefined;

/**
 * Sends several statements in one write, because a write to a socket costs more than a small statement. node-postgres
 * corks its stream for each statement only. Without such a stream, each statement is a write of its own.
 */
function inOneWrite<T>(client: PoolClient, send: () => T): T {
  const { connection } = client as { connection?: { stream?: { cork?(): void; uncork?(): void } } };
  connection?.stream?.cork?.();
  try {
    return send();
  } finally {
    connection?.stream?.uncork?.();
  }
}

/** Has the code that Prisma uses for a transaction that timed out. */
function tooSlow(timeoutMs: number): Error {
  return Object.assign(new Error(`the transaction took longer than ${timeoutMs} ms`), { code: 'P2028' });
}
