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

/** One who asks, until they are answered. */
export interface Asking {
  /** Undefined if it was cancelled. Rejects with `AppError` `service-unavailable` if the feed can't be read. */
  answer: Promise<FeedAnswer | undefined>;
  /** What still waits is never read. */
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
 * Reads feeds with one statement at a time, so that however many want to be read, all others find a connection.
 *
 * What comes while a statement is under way is read by the next one, all together; what comes alone is read at once.
 * Users take turns, each with one question, in the order in which they came. Whoever waits for longer than 30 s, or is
 * in a statement that fails, gets a temporary error.
 */
export class ReadLine {
  readonly #feeds: FeedReader;
  readonly #log: Logger;
  readonly #waitMs: number;
  /** By user. */
  readonly #waiting = new FairQueue<Waiting>();
  #reading = false;

  /** `waitMs`: milliseconds after which one that still waits is refused. */
  constructor(feeds: FeedReader, log: Logger, waitMs = waitTimeout) {
    this.#feeds = feeds;
    this.#log = log;
    this.#waitMs = waitMs;
  }

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
      this.#log.warn(
        { err: cause, feeds: batch.length },
        'feeds could not be read; those who asked try again',
      );
      for (const { reject } of batch) reject(new AppError('service-unavailable', { cause }));
    }
  }

  /** Tabs that ask the same are one question. */
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

  /** The next statement's; who has waited for too long is in none. */
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

const tooLong = 'waiting for the turn to have a feed read took too long';

function keyOf({ userId, from }: FeedQuestion): string {
  return `${typeof from} ${from} ${userId}`;
}

/** What an answer sets off is done at once, so others get their turn of the event loop between some of them. */
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
