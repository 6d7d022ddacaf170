import { revocationType, SessionRevoked } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import type { EventBus } from '@warren/event-bus';
import type { Logger } from 'pino';
import { readableError } from '../config/readable-error.js';
import type { Revocations } from './revocations.js';
import type { RevocationSource } from './source.js';

/** Between two looks at the list. It covers what no event told: a broker that is away, an event that was dropped. */
const defaultReadEveryMs = 10_000;
/** What is asked for again: a revocation may commit later than one that is dated after it. */
const overlapMs = 60_000;
/** Each so many looks the whole list is read: a date from a clock that is ahead must not hide others for long. */
const wholeEvery = 30;
/** A start waits so long for the first look. A user service that is away keeps nobody from starting. */
const firstReadMs = 5_000;

/** Looks that may fail before the first that succeeds: all services start at once, the user service among them. */
const patientLooks = 5;

const check = compileReader(SessionRevoked);

export interface RevocationWatchParts {
  service: string;
  revocations: Revocations;
  bus: Pick<EventBus, 'listen'>;
  source: RevocationSource;
  log: Logger;
  /** Between two looks at the list, in milliseconds. Default 10 s. */
  readEveryMs?: number;
}

/**
 * Keeps this process's revocations up to date, each process for itself: it hears the events, and reads the list at
 * the start, whenever its listening began anew, and every 10 s.
 *
 * It listens before it reads. What was revoked before the reading is in the list; what comes after is heard.
 */
export class RevocationWatch {
  readonly #parts: RevocationWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  /** The date of the newest that a list held, by the user service's clock; milliseconds since 1970. */
  #newest: number | undefined;
  #reads = 0;
  readonly #stopped = new AbortController();
  #failed = 0;
  #wasRead = false;

  constructor(parts: RevocationWatchParts) {
    this.#parts = parts;
  }

  /** Looks at the list that failed in a row. */
  get failed(): number {
    return this.#failed;
  }

  /** Resolves after the first look, or after 5 s without one. */
  async start(): Promise<void> {
    const { bus, service } = this.#parts;
    await bus.listen({
      service,
      types: [revocationType],
      heard: ({ body }) => this.#hear(body),
      began: () => {
        this.#newest = undefined; // Whatever was missed meanwhile, by whichever clock.
        void this.#read();
      },
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, firstReadMs);
    });
    await Promise.race([this.#reading ?? this.#read(), patience]);
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#reading;
  }

  #hear(body: string): void {
    const data = (JSON.parse(body) as { data?: unknown }).data;
    const checked = check(data);
    if (checked.ok) this.#parts.revocations.add([checked.value]);
    else this.#parts.log.warn({ errors: checked.errors }, 'a revocation that cannot be read');
  }

  /** One look at a time; asked for meanwhile, another follows, since the running one may have come too early. */
  #read(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve();
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    clearTimeout(this.#timer);
    this.#reading = this.#readOnce().finally(() => {
      this.#reading = undefined;
      if (this.#stopped.signal.aborted) return;
      const soon = this.#again;
      this.#again = false;
      this.#timer = setTimeout(
        () => void this.#read(),
        soon ? 0 : (this.#parts.readEveryMs ?? defaultReadEveryMs),
      );
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { source, revocations, log } = this.#parts;
    try {
      this.#reads += 1;
      const isWhole = this.#newest === undefined || this.#reads % wholeEvery === 0;
      const since = isWhole ? undefined : new Date((this.#newest ?? 0) - overlapMs);
      const list = await source(since, this.#stopped.signal);
      revocations.add(list);
      for (const { revokedAt } of list) this.#newest = Math.max(this.#newest ?? 0, Date.parse(revokedAt));
      this.#failed = 0;
      this.#wasRead = true;
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failed += 1;
      // One line an outage; the repeats say nothing new.
      const isNews = this.#failed === (this.#wasRead ? 1 : patientLooks);
      const reason = readableError(error).join(': ');
      log[isNews ? 'warn' : 'debug']({ reason }, 'the list of revocations cannot be read');
    } finally {
      revocations.prune();
    }
  }
}
