import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import type { TransactionOptions } from '../api.js';
import { isStalePlan } from '../failures.js';
import { checkCommitted } from './commit.js';

/** What a transaction needs of a pool. Its connections should have `pipeline: true`. */
export type Connections = Pick<Pool, 'connect'>;

/** How often a transaction runs again because tables changed under its plans. */
const mostReruns = 2;
const defaultTimeoutMs = 10_000;

/**
 * Runs `work` in a transaction and commits it. Rolls back where `work` throws. If the server refuses a plan because a
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
      if (!transaction.hadStalePlan || reruns === mostReruns) throw error;
    }
  }
}

/**
 * One transaction on a connection of node-postgres. It saves round trips: BEGIN travels with the first statement, and
 * COMMIT with the last one, for which there is `commitWith`. Without a statement, the server hears nothing.
 *
 * It rolls back by itself after the time-out. Once it has ended, it takes no statement: the connection may be at work
 * for somebody else by then.
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
    // The failed statement tells; without a listener a lost connection would end the process.
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
    // Nobody may wait for it any more when it fails. The transaction has failed then, and its end tells.
    result.catch(ignore);
    return result;
  }

  /**
   * Sends the statement and COMMIT together, and resolves when both have succeeded. Where the statement fails, the server
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

  /** Does nothing where `commitWith` has committed. Rejects where the server rolled back instead. */
  async commit(): Promise<void> {
    if (this.#committed) return;
    if (this.#ended) throw this.#ended;
    await this.#commit();
  }

  /** Does nothing where the transaction has ended. Never rejects: a connection that fails here is closed. */
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
 * A write to a socket costs more than a small statement. node-postgres corks its stream for one statement, so this does
 * it for several. Where it has no such stream, they are several writes.
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

/** Under the code that Prisma has for it. */
function tooSlow(timeoutMs: number): Error {
  return Object.assign(new Error(`the transaction took longer than ${timeoutMs} ms`), { code: 'P2028' });
}
