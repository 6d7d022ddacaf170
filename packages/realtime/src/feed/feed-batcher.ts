import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '@warren/contracts';
import { DeadlineError, withDeadline } from '@warren/timing';
import type { FeedAnswer, FeedQuestion, FeedReader } from '@warren/unit-of-work';
import type { Logger } from 'pino';
import { FairQueue } from '../fair-queue.js';
import {
  entriesPerTurn,
  feedQueueTimeoutMs,
  feedsPerStatement,
  feedTimeoutMs,
  minPageBytes,
  pageSize,
  statementBytes,
} from '../limits/limits.js';

export interface PendingAnswer {
  /**
   * Resolves to undefined if the question is cancelled. Rejects with `AppError` `service-unavailable` if the feed can't be
   * read, or if the question waits too long.
   */
  answer: Promise<FeedAnswer | undefined>;
  /** Cancels the question. If it still waits for its statement, the feed isn't read for it. */
  cancel(): void;
}

interface WaitingQuestion {
  question: FeedQuestion;
  /** When it is refused, by `performance.now()`. */
  until: number;
  resolve(answer: FeedAnswer | undefined): void;
  reject(error: AppError): void;
}

/**
 * Reads many feeds with one statement at a time. So sockets use one database connection, however many of them start, and
 * the rest of the pool is left to transactions.
 *
 * A question is read at once if no statement is running. Otherwise it waits for the next statement, which reads up to
 * `feedsPerStatement` feeds. Users take turns, one question each, in the order in which they came. A question that waits
 * too long, or whose statement fails, gets a temporary error.
 */
export class FeedBatcher {
  readonly #feeds: FeedReader;
  readonly #log: Logger;
  readonly #timeoutMs: number;
  /** By user. */
  readonly #waiting = new FairQueue<WaitingQuestion>();
  #reading = false;

  /** `timeoutMs`: how long a question may wait for its statement. */
  constructor(feeds: FeedReader, log: Logger, timeoutMs = feedQueueTimeoutMs) {
    this.#feeds = feeds;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** The number of questions that wait for a statement. */
  get length(): number {
    return this.#waiting.size;
  }

  ask(question: FeedQuestion): PendingAnswer {
    let cancel = (): void => undefined;
    const answer = new Promise<FeedAnswer | undefined>((resolve, reject) => {
      const waiting = { question, until: performance.now() + this.#timeoutMs, resolve, reject };
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
  async #read(batch: readonly WaitingQuestion[]): Promise<void> {
    try {
      await answerAll(await this.#answers(batch));
    } catch (cause) {
      this.#log.warn({ err: cause, feeds: batch.length }, 'could not read feeds; their sockets try again');
      for (const { reject } of batch) reject(new AppError('service-unavailable', { cause }));
    }
  }

  /** Reads the feeds of a batch. Equal questions, such as those of several tabs of one user, are read once. */
  async #answers(batch: readonly WaitingQuestion[]): Promise<[WaitingQuestion, FeedAnswer][]> {
    const questions = new Map<string, FeedQuestion>();
    for (const { question } of batch) questions.set(keyOf(question), question);
    const bytes = Math.max(minPageBytes, Math.floor(statementBytes / questions.size));
    const reading = this.#feeds.readMany([...questions.values()], { entries: pageSize, bytes });
    const answers = await withDeadline(reading, feedTimeoutMs, 'reading feeds took too long');
    const byKey = new Map([...questions.keys()].map((key, index) => [key, answers[index]]));
    return batch.map((waiting) => {
      const answer = byKey.get(keyOf(waiting.question));
      if (!answer) throw new Error('The feed reader returned too few answers');
      return [waiting, answer];
    });
  }

  /** Takes the batch of the next statement out of the queue, and refuses questions that have waited too long. */
  #next(): WaitingQuestion[] {
    const batch: WaitingQuestion[] = [];
    const now = performance.now();
    while (batch.length < feedsPerStatement) {
      const next = this.#waiting.next();
      if (!next) break;
      if (next.until > now) batch.push(next);
      else next.reject(new AppError('service-unavailable', { cause: new DeadlineError(waitedTooLong) }));
    }
    return batch;
  }
}

const waitedTooLong = 'A question about a feed waited too long for its statement';

function keyOf({ userId, from }: FeedQuestion): string {
  return `${typeof from} ${from} ${userId}`;
}

/**
 * Resolves the questions of a batch. Each answer makes a socket write at once, so the event loop turns after every
 * `entriesPerTurn` entries to let other work run.
 */
async function answerAll(answers: readonly [WaitingQuestion, FeedAnswer][]): Promise<void> {
  let written = 0;
  for (const [waiting, answer] of answers) {
    waiting.resolve(answer);
    written += 1 + answer.entries.length;
    if (written < entriesPerTurn) continue;
    written = 0;
    await nextTurn();
  }
}
