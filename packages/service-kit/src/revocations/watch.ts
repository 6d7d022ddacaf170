import { revocationType, SessionRevoked } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import type { HeardEvent, NodeBus } from '@warren/node-bus';
import { withFallback } from '@warren/timing';
import type { Logger } from 'pino';
import { readableError } from '../config/read-config.js';
import type { Revocations } from './revocations.js';
import type { RevocationSource } from './source.js';

/** Milliseconds between two reads of the list. They find revocations whose event was lost. */
const defaultReadEveryMs = 10_000;
/** Maximum of pages that one read fetches. The next read continues. */
const maxPages = 1_000;
/** Milliseconds that the start waits for the first read. Services also start without the user service. */
const firstReadMs = 5_000;

/** Failures after which the first read causes a warning. All services start at once, also the user service. */
const toleratedFailures = 5;

const check = compileReader(SessionRevoked);

export interface RevocationWatchParts {
  revocations: Revocations;
  nodes: Pick<NodeBus, 'onEvent' | 'onConnected' | 'ready'>;
  source: RevocationSource;
  log: Logger;
  /** Milliseconds between two reads of the list. Default 10 s. */
  readEveryMs?: number;
}

/**
 * Keeps the revocations of this process up to date. It receives them as events, and reads the list at the start, after each
 * reconnection, and every 10 s. The first read fetches all revocations in force, page by page; later reads fetch only what
 * was added since.
 *
 * It listens before it reads, so each revocation is in the list or comes as an event.
 */
export class RevocationWatch {
  readonly #parts: RevocationWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  /** The position up to which the list was read. */
  #cursor: string | undefined;
  readonly #stopped = new AbortController();
  #failed = 0;
  #wasRead = false;

  constructor(parts: RevocationWatchParts) {
    this.#parts = parts;
  }

  /** Reads of the list that failed in a row. */
  get failed(): number {
    return this.#failed;
  }

  /** Resolves after the first read, or after 5 s. */
  async start(): Promise<void> {
    const { nodes } = this.#parts;
    nodes.onEvent((event) => this.#receive(event));
    nodes.onConnected(() => void this.#read());
    await nodes.ready();
    await withFallback(this.#reading ?? this.#read(), firstReadMs, undefined);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#reading;
  }

  #receive({ type, body }: HeardEvent): void {
    if (type !== revocationType) return;
    const data = (JSON.parse(body) as { data?: unknown }).data;
    const checked = check(data);
    if (checked.ok) this.#parts.revocations.add([checked.value]);
    else this.#parts.log.warn({ errors: checked.errors }, 'a revocation event cannot be read');
  }

  /** Reads the list, one read at a time. If called during a read, another one follows, since the running one may be too early. */
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

  /** After a failure, the next read continues with the page that failed. */
  async #readPages(): Promise<void> {
    const { source, revocations } = this.#parts;
    for (let page = 0; page < maxPages; page += 1) {
      const { revocations: some, next, more } = await source(this.#cursor, this.#stopped.signal);
      revocations.add(some);
      const goesOn = more && next !== undefined && next !== this.#cursor;
      this.#cursor = next;
      if (!goesOn) return;
    }
    this.#again = true;
  }

  async #readOnce(): Promise<void> {
    const { revocations, log } = this.#parts;
    try {
      await this.#readPages();
      this.#failed = 0;
      this.#wasRead = true;
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failed += 1;
      // Warn once in each outage.
      const isFirst = this.#failed === (this.#wasRead ? 1 : toleratedFailures);
      const reason = readableError(error).join(': ');
      log[isFirst ? 'warn' : 'debug']({ reason }, 'the list of revocations cannot be read');
    } finally {
      revocations.prune();
    }
  }
}
