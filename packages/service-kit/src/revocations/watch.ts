import { revocationType, SessionRevoked } from '@warren/contracts';
import { compileReader } from '@warren/contracts/validation';
import type { HeardEvent, NodeBus } from '@warren/node-bus';
import type { Logger } from 'pino';
import { readableError } from '../config/readable-error.js';
import type { Revocations } from './revocations.js';
import type { RevocationSource } from './source.js';

/** Between two looks at the list. It covers what no event told: a broker that is away, an event that was dropped. */
const defaultReadEveryMs = 10_000;
/** Most pages that one look reads; the next look goes on. */
const mostPages = 1_000;
/** A start waits so long for the first look. A user service that is away keeps nobody from starting. */
const firstReadMs = 5_000;

/** Looks that may fail before the first that succeeds: all services start at once, the user service among them. */
const patientLooks = 5;

const check = compileReader(SessionRevoked);

export interface RevocationWatchParts {
  revocations: Revocations;
  nodes: Pick<NodeBus, 'onEvent' | 'onConnected' | 'ready'>;
  source: RevocationSource;
  log: Logger;
  /** Between two looks at the list, in milliseconds. Default 10 s. */
  readEveryMs?: number;
}

/**
 * Keeps this process's revocations up to date, each process for itself: it hears the events, and reads the list at
 * the start, whenever its listening began anew, and every 10 s. The first look reads all revocations in force, page by
 * page; each later one reads only what was added since.
 *
 * It listens before it reads. What was revoked before the reading is in the list; what comes after is heard.
 */
export class RevocationWatch {
  readonly #parts: RevocationWatchParts;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  /** How far the list was read. */
  #cursor: string | undefined;
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
    const { nodes } = this.#parts;
    nodes.onEvent((event) => this.#hear(event));
    nodes.onConnected(() => void this.#read());
    await nodes.ready();
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

  #hear({ type, body }: HeardEvent): void {
    if (type !== revocationType) return;
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

  /** After a failure the next look goes on with the page that failed. */
  async #readPages(): Promise<void> {
    const { source, revocations } = this.#parts;
    for (let page = 0; page < mostPages; page += 1) {
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
      // One line an outage; the repeats say nothing new.
      const isNews = this.#failed === (this.#wasRead ? 1 : patientLooks);
      const reason = readableError(error).join(': ');
      log[isNews ? 'warn' : 'debug']({ reason }, 'the list of revocations cannot be read');
    } finally {
      revocations.prune();
    }
  }
}
