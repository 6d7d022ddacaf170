import type { RawClient, TransactionalClient } from '@warren/unit-of-work';
import type { Querying } from './kit-transaction.js';
import { adopt, type Lent } from './lending-adapter.js';

/** Prisma's client of a transaction that the kit runs: opened when first asked for, since many never need it. */
export class PrismaSide {
  readonly #client: TransactionalClient<RawClient>;
  readonly #lent: Lent;
  readonly #transaction: Querying;
  readonly #timeoutMs: number;
  #db: Promise<RawClient> | undefined;
  /** Prisma's own transaction, which does nothing but wait for the end. */
  #done: Promise<void> = Promise.resolve();
  #finish: (error?: Error) => void = () => undefined;

  constructor(client: TransactionalClient<RawClient>, lent: Lent, transaction: Querying, timeoutMs: number) {
    this.#client = client;
    this.#lent = lent;
    this.#transaction = transaction;
    this.#timeoutMs = timeoutMs;
  }

  open(): Promise<RawClient> {
    this.#db ??= this.#open();
    return this.#db;
  }

  /** Prisma's client takes nothing more from here on. An error tells it that the transaction failed. Never rejects. */
  async close(error?: Error): Promise<void> {
    this.#finish(error);
    await this.#done;
  }

  #open(): Promise<RawClient> {
    return new Promise((opened, failed) => {
      const finished = new Promise<void>((resolve, reject) => {
        this.#finish = (error) => (error ? reject(error) : resolve());
      });
      // It may fail before anybody waits for it.
      finished.catch(() => undefined);
      const { token, end } = this.#lent.lend(this.#transaction);
      const work = async (db: RawClient) => {
        await db.$queryRawUnsafe(adopt, token);
        opened(db);
        await finished;
      };
      const limits = { maxWait: this.#timeoutMs, timeout: this.#timeoutMs };
      this.#done = this.#client.$transaction(work, limits).catch(failed).finally(end);
    });
  }
}
