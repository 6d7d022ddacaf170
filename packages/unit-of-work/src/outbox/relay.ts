import { type EventBus, PublishError, type PublishReceipt } from '@warren/event-bus';
import { jittered } from '@warren/timing';
import type { Logger } from 'pino';
import type { Limits } from '../limits.js';
import type { OutboxRow } from '../transaction/effects.js';
import type { CommittedEvents } from '../transaction/transactor.js';
import { Batches } from './batches.js';
import { InFlight } from './in-flight.js';
import { Outcomes } from './outcomes.js';
import { ReturnedEvents } from './returned-events.js';
import type { ClaimedRow, OutboxTable } from './table.js';

export interface RelayParts {
  table: OutboxTable;
  bus: EventBus;
  /** Types of which an event stays in the outbox until a queue takes it. */
  keptTypes: ReadonlySet<string>;
  limits: Limits;
  log: Logger;
}

export interface RelayStats {
  /** Unpublished rows of all instances, counted up to `maxBacklog` + 1. An estimate between two polls. */
  backlog: number;
  /** Rows of all instances that the bus refused and that wait for an operator, counted up to 1,000. */
  parked: number;
  /** Rows of all instances that are kept until a queue takes them, counted up to 1,000. */
  returned: number;
  /** Events that were given to the bus and are unconfirmed. */
  inFlight: number;
  /** Those in flight that are past the confirm time-out. */
  late: number;
  published: number;
  /** Those published that no queue took, all of discardable types. */
  unroutable: number;
  failed: number;
  /** Refused by the bus and parked. */
  refused: number;
}

/**
 * Publishes the events of the outbox, at least once. Transactions of this process hand over their events with `accept`,
 * already claimed. Polls find the rows that a crash, a full relay or a lost broker left. Any number of relays share one
 * outbox: a row belongs to the relay that claimed it, until its lease ends.
 *
 * At most `relayCapacity` events are in flight or reserved by open transactions.
 */
export class Relay implements CommittedEvents {
  readonly #parts: RelayParts;
  readonly #inFlight: InFlight;
  readonly #batches: Batches<OutboxRow>;
  readonly #outcomes: Outcomes;
  readonly #returned: ReturnedEvents;
  readonly #counts = { published: 0, unroutable: 0, failed: 0, refused: 0 };
  #state: 'idle' | 'running' | 'stopping' | 'stopped' = 'idle';
  /** Discardable types that no queue took: each is logged once. */
  readonly #unconsumed = new Set<string>();
  #reserved = 0;
  #backlog = 0;
  #parked = 0;
  #returnedCount = 0;
  /** Due rows were left for a poll, which should come as soon as there is room. */
  #leftDueRows = false;
  #countAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#inFlight = new InFlight(parts.limits.confirmMs);
    this.#batches = new Batches(parts.limits.gatherMs, (batch) => this.#send(batch));
    this.#returned = new ReturnedEvents(parts);
    this.#outcomes = new Outcomes(parts.table, parts.log, (count) => {
      this.#backlog = Math.max(0, this.#backlog - count);
    });
  }

  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#schedule(0);
  }

  get stats(): RelayStats {
    const { open, late } = this.#inFlight;
    return {
      backlog: this.#backlog,
      parked: this.#parked,
      returned: this.#returnedCount,
      inFlight: open + late,
      late,
      ...this.#counts,
    };
  }

  get overloaded(): boolean {
    return this.#backlog > this.#parts.limits.maxBacklog;
  }

  reserve(count: number): boolean {
    if (this.#state === 'running') this.#backlog += count;
    if (!this.#canPublish || count > this.#room) {
      this.#leftDueRows = true;
      return false;
    }
    this.#reserved += count;
    return true;
  }

  accept(events: readonly OutboxRow[]): void {
    if (this.#state === 'stopped') {
      // Too late: another relay claims the rows when their lease ends.
      this.release(events.length);
      return;
    }
    this.#batches.add(events);
    if (this.#inFlight.open === 0 || this.#state === 'stopping') this.#batches.flush();
  }

  release(count: number): void {
    this.#reserved -= count;
  }

  /**
   * Claims nothing more, waits at most `stopMs` for unconfirmed events, writes the outcomes and releases the other rows.
   * Never rejects: another relay publishes again what could not be marked as published.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get #canPublish(): boolean {
    return this.#state === 'running' && this.#parts.bus.publishing === 'up';
  }

  get #room(): number {
    if (this.#inFlight.late >= lateFactor * this.#parts.limits.relayCapacity) return 0;
    return this.#parts.limits.relayCapacity - this.#reserved - this.#inFlight.open;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    clearTimeout(this.#timer);
    await this.#polling;
    this.#batches.flush();
    await this.#inFlight.drained(this.#parts.limits.stopMs);
    this.#outcomes.release(this.#inFlight.ids());
    await this.#outcomes.finish();
    this.#state = 'stopped';
  }

  #send(batch: readonly OutboxRow[]): void {
    this.#reserved -= batch.length;
    for (const event of batch) void this.#publish({ ...event, again: false });
  }

  async #publish({ id, type, body, again }: ClaimedRow): Promise<void> {
    // The lease of an earlier claim ended while the bus still holds the event: a second copy would not help.
    if (!this.#inFlight.add(id)) return;
    try {
      const receipt = await this.#parts.bus.publish({ id, type, body, ...(again && { again }) });
      if (receipt === 'unroutable' && this.#returned.keeps(type)) this.#wasReturned(id, type);
      else this.#published(id, type, receipt);
    } catch (error) {
      if (error instanceof PublishError && error.kind === 'refused') this.#refused(id, type, error);
      else this.#failed(id, type, error);
    } finally {
      this.#inFlight.remove(id);
      if (this.#inFlight.open === 0) this.#batches.flush();
      if (this.#leftDueRows && this.#room >= this.#parts.limits.relayCapacity / 2) this.#schedule(0);
    }
  }

  #published(id: string, type: string, receipt: PublishReceipt): void {
    this.#counts.published += 1;
    if (receipt === 'unroutable') this.#unroutable(id, type);
    else this.#returned.wasTaken(type);
    this.#outcomes.confirmed(id);
  }

  #wasReturned(id: string, type: string): void {
    this.#returnedCount += 1;
    this.#returned.wasReturned(id, type);
    this.#outcomes.returned(id);
  }

  #failed(id: string, type: string, error: unknown): void {
    this.#counts.failed += 1;
    this.#parts.log.debug({ err: error, id, type }, 'an event was not confirmed; it will be published again');
    this.#outcomes.failed(id, error);
  }

  #refused(id: string, type: string, error: PublishError): void {
    this.#counts.refused += 1;
    this.#parts.log.error(
      { err: error, id, type, code: error.answer?.code },
      'the broker refused an event, which is parked; `warren outbox parked` lists, retries and discards',
    );
    this.#outcomes.refused(id, error.message);
  }

  #unroutable(id: string, type: string): void {
    this.#counts.unroutable += 1;
    if (this.#unconsumed.has(type)) return;
    this.#unconsumed.add(type);
    // The contract says that this may happen.
    this.#parts.log.debug({ id, type }, 'no queue takes this type; this is logged once for each type');
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#state !== 'running' || this.#polling) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().then((isMoreDue) => {
        this.#polling = undefined;
        this.#schedule(isMoreDue ? 0 : jittered(this.#parts.limits.pollMs));
      });
    }, ms);
  }

  /** Resolves to true if the next poll should follow at once. */
  async #poll(): Promise<boolean> {
    try {
      this.#inFlight.sweep();
      await this.#claim();
      const isMoreDue = await this.#retryReturned();
      await this.#count();
      return isMoreDue;
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the outbox could not be polled');
      return false;
    }
  }

  async #claim(): Promise<void> {
    const limit = Math.min(this.#room, maxPerClaim);
    if (!this.#canPublish || limit <= 0) return;
    this.#reserved += limit;
    const rows = await this.#parts.table.claim(limit).finally(() => {
      this.#reserved -= limit;
    });
    this.#leftDueRows = rows.length === limit;
    for (const row of rows) void this.#publish(row);
  }

  /** Releases no more rows than this relay has room for. Resolves to true if there may be more. */
  async #retryReturned(): Promise<boolean> {
    if (!this.#canPublish || this.#returnedCount === 0 || this.#room < maxPerClaim) return false;
    for (const row of await this.#returned.claimOneOfEach()) void this.#publish(row);
    return this.#returned.releaseTaken(maxPerClaim);
  }

  /** At most once in half a poll interval, and for at most a twentieth of the time: a large backlog takes long to count. */
  async #count(): Promise<void> {
    const { limits, table } = this.#parts;
    const began = Date.now();
    if (began < this.#countAt) return;
    const { unpublished, parked, returned } = await table.count(limits.maxBacklog + 1);
    this.#backlog = unpublished;
    this.#parked = parked;
    this.#returnedCount = returned;
    this.#countAt = began + Math.max(limits.pollMs / 2, 20 * (Date.now() - began));
  }
}

const maxPerClaim = 500;
/** With more late events than this multiple of the capacity, the relay takes no more events. */
const lateFactor = 10;
