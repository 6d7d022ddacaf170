import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import type { FeedAnswer, FeedQuestion, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import { FairQueue } from '../fair-queue.js';
import {
  entriesAtOnce,
  feedsAtOnce,
  feedTimeout,
  leastPageBytes,
  pageSize,
  statementBytes,
  waitTimeout,
} from '../limits/defaults.js';
import { DeadlineError, withDeadline } from '../timing.js';

/** A question about a feed that was asked and isn't answered yet. */
export interface Asking {
  /**
   * Resolves to `undefined` if the question was cancelled. Rejects with `AppError` `service-unavailable` if the feed
   * can't be read, or wasn't within 30 s.
   */
  answer: Promise<FeedAnswer | undefined>;
  /** Takes the question back: if it still waits for its statement, the feed isn't read for it. */
  cancel(): void;
}

interface Waiting {
  question: FeedQuestion;
  /** By `performance.now()`. */
  until: number;
  resolve(answer: FeedAnswer | undefined): void;
  reject(error: AppError): void;
}

/**
 * Reads many feeds with one statement at a time. So sockets hold one connection of the pool, however many of them start,
 * and the rest is left to transactions.
 *
 * A question is read at once if no statement is under way; otherwise the next statement reads all that came meanwhile, up
 * to `feedsAtOnce`. Users take turns, one question each, in the order in which they came. A question that waits for more
 * than 30 s, or whose statement fails, is answered with a temporary error.
 */
export class FeedBatcher {
  readonly #feeds: FeedReader;
  readonly #log: Logger;
  readonly #waitMs: number;
  /** By user. */
  readonly #waiting = new FairQueue<Waiting>();
  #reading = false;

  /** `waitMs`: milliseconds after which a question that still waits is refused. */
  constructor(feeds: FeedReader, log: Logger, waitMs = waitTimeout) {
    this.#feeds = feeds;
    this.#log = log;
    this.#waitMs = waitMs;
  }

  /** Questions that wait for a statement. */
  get length(): number {
    return this.#waiting.size;
  }

  ask(question: FeedQuestion): Asking {
    let cancel = (): void => undefined;
    const answer = new Promise<FeedAnswer | undefined>((resolve, reject) => {
      const waiting = { question, until: performance.now() + this.#waitMs, resolve, reject };
      this.#waiting.add(question.userId, waiting);
      cancel = () => {
        this.#waiting.delete(question.userId, waiting);
        resolve(undefined);
      };
    });
    if (!this.#reading) void this.#readAll();
    return { answer, cancel };
  }

  async #readAll(): Promise<void> {
    this.#reading = true;
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#read(batch);
    this.#reading = false;
  }

  /** Never rejects. */
  async #read(batch: readonly Waiting[]): Promise<void> {
    try {
      await answerAll(await this.#answers(batch));
    } catch (cause) {
      this.#log.warn({ err: cause, feeds: batch.length }, 'feeds could not be read; their sockets try again');
      for (const { reject } of batch) reject(new AppError('service-unavailable', { cause }));
    }
  }

  /** Reads the feeds of a batch. Equal questions, as several tabs of one person ask them, are read once. */
  async #answers(batch: readonly Waiting[]): Promise<[Waiting, FeedAnswer][]> {
    const questions = new Map<string, FeedQuestion>();
    for (const { question } of batch) questions.set(keyOf(question), question);
    const bytes = Math.max(leastPageBytes, Math.floor(statementBytes / questions.size));
    const reading = this.#feeds.readMany([...questions.values()], { entries: pageSize, bytes });
    const answers = await withDeadline(reading, feedTimeout, 'reading feeds');
    const byKey = new Map([...questions.keys()].map((key, index) => [key, answers[index]]));
    return batch.map((waiting) => {
      const answer = byKey.get(keyOf(waiting.question));
      if (!answer) throw new Error('a feed was asked for and not read');
      return [waiting, answer];
    });
  }

  /** Takes out the batch of the next statement, and refuses what has waited for too long. */
  #next(): Waiting[] {
    const batch: Waiting[] = [];
    const now = performance.now();
    while (batch.length < feedsAtOnce) {
      const next = this.#waiting.next();
      if (!next) break;
      if (next.until > now) batch.push(next);
      else next.reject(new AppError('service-unavailable', { cause: new DeadlineError(tooLong) }));
    }
    return batch;
  }
}

const tooLong = 'the question about a feed waited too long for its turn';

function keyOf({ userId, from }: FeedQuestion): string {
  return `${typeof from} ${from} ${userId}`;
}

/**
 * Hands the answers out. Each one makes sockets write at once, so that after every `entriesAtOnce` entries the event loop
 * turns, for everybody else.
 */
async function answerAll(answers: readonly [Waiting, FeedAnswer][]): Promise<void> {
  let written = 0;
  for (const [waiting, answer] of answers) {
    waiting.resolve(answer);
    written += 1 + answer.entries.length;
    if (written < entriesAtOnce) continue;
    written = 0;
    await nextTurn();
  }
}
