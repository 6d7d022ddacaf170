import { type EventBus, PublishError, type PublishReceipt } from '@warren/event-bus';
import type { Logger } from 'pino';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import type { OutboxRow } from '../transaction/effects.js';
import type { CommittedEvents } from '../transaction/transactor.js';
import { Bursts } from './bursts.js';
import { InFlight } from './in-flight.js';
import { ReturnedEvents } from './returned-events.js';
import { Settlements } from './settlements.js';
import type { ClaimedRow, OutboxTable } from './table.js';

export interface RelayParts {
  table: OutboxTable;
  bus: EventBus;
  /** Types that some service consumes: an event of these that no queue takes stays in the outbox. */
  consumedTypes: ReadonlySet<string>;
  limits: Limits;
  log: Logger;
}

export interface RelayStats {
  /** Unpublished rows, of all instances; an estimate between two polls. Counted up to `maxBacklog` + 1. */
  backlog: number;
  /** Rows that the bus refused and that wait for a person, of all instances; counted up to 1,000. */
  parked: number;
  /** Rows that no queue takes and that are kept until one does, of all instances; counted up to 1,000. */
  returned: number;
  /** Events given to the bus and not yet confirmed. */
  inFlight: number;
  /** Of those, past the confirm time-out. */
  late: number;
  published: number;
  /** Of those published, the ones that no queue took and no service consumes. */
  unroutable: number;
  failed: number;
  /** Refused by the bus, and parked. */
  refused: number;
}

/**
 * Publishes what the outbox holds, at least once. Rows that commit here arrive by `accept`, already claimed;
 * a poll finds what a crash, a full relay or a lost broker left. Any number of relays share one outbox: a row
 * belongs to whoever claimed it, until its lease ends.
 *
 * Holds at most `relayCapacity` events, in flight or reserved by open transactions.
 */
export class Relay implements CommittedEvents {
  readonly #parts: RelayParts;
  readonly #inFlight: InFlight;
  readonly #bursts: Bursts<OutboxRow>;
  readonly #settlements: Settlements;
  readonly #returned: ReturnedEvents;
  readonly #counts = { published: 0, unroutable: 0, failed: 0, refused: 0 };
  #state: 'idle' | 'running' | 'stopping' | 'stopped' = 'idle';
  /** Types that no queue took and no service consumes; as many as the contract has at most. */
  readonly #unconsumed = new Set<string>();
  #reserved = 0;
  #backlog = 0;
  #parked = 0;
  #returnedCount = 0;
  /** Rows were left to the poll although they are due: it should come as soon as there is room. */
  #hungry = false;
  #countDueAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#inFlight = new InFlight(parts.limits.confirmMs);
    this.#bursts = new Bursts(parts.limits.gatherMs, (burst) => this.#send(burst));
    this.#returned = new ReturnedEvents(parts);
    this.#settlements = new Settlements(parts.table, parts.log, (count) => {
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
    if (!this.#able || count > this.#room) {
      this.#hungry = true;
      return false;
    }
    this.#reserved += count;
    return true;
  }

  accept(events: readonly OutboxRow[]): void {
    if (this.#state === 'stopped') {
      // Too late for this relay: with the end of the lease the rows are another one's.
      this.release(events.length);
      return;
    }
    this.#bursts.add(events);
    if (this.#inFlight.open === 0 || this.#state === 'stopping') this.#bursts.flush();
  }

  release(count: number): void {
    this.#reserved -= count;
  }

  /**
   * Takes nothing more, waits at most `stopMs` for open publishes, marks what was confirmed and gives the
   * other claims back. Never rejects: what can't be marked is published again by another relay.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get #able(): boolean {
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
    this.#bursts.flush();
    await this.#inFlight.drained(this.#parts.limits.stopMs);
    this.#settlements.giveBack(this.#inFlight.ids());
    await this.#settlements.finish();
    this.#state = 'stopped';
  }

  #send(burst: readonly OutboxRow[]): void {
    this.#reserved -= burst.length;
    for (const event of burst) void this.#publish({ ...event, again: false });
  }

  async #publish({ id, type, body, again }: ClaimedRow): Promise<void> {
    // A claim of ours that ran out while the bus still holds the event: another copy would not speed it up.
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
      if (this.#inFlight.open === 0) this.#bursts.flush();
      if (this.#hungry && this.#room >= this.#parts.limits.relayCapacity / 2) this.#schedule(0);
    }
  }

  #published(id: string, type: string, receipt: PublishReceipt): void {
    this.#counts.published += 1;
    if (receipt === 'unroutable') this.#unroutable(id, type);
    else this.#returned.wasTaken(type);
    this.#settlements.confirmed(id);
  }

  #wasReturned(id: string, type: string): void {
    this.#returnedCount += 1;
    this.#returned.wasReturned(id, type);
    this.#settlements.returned(id);
  }

  #failed(id: string, type: string, error: unknown): void {
    this.#counts.failed += 1;
    this.#parts.log.debug({ err: error, id, type }, 'event not confirmed; it will be published again');
    this.#settlements.failed(id, error);
  }

  #refused(id: string, type: string, error: PublishError): void {
    this.#counts.refused += 1;
    this.#parts.log.error(
      { err: error, id, type, code: error.answer?.code },
      'event refused and parked; `warren outbox parked` lists, retries and discards',
    );
    this.#settlements.refused(id, error.message);
  }

  #unroutable(id: string, type: string): void {
    this.#counts.unroutable += 1;
    if (this.#unconsumed.has(type)) return;
    this.#unconsumed.add(type);
    this.#parts.log.warn({ id, type }, 'event published, but no service wants its type; said once a type');
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

  /** True if the next poll should come at once. */
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
    const limit = Math.min(this.#room, mostPerClaim);
    if (!this.#able || limit <= 0) return;
    this.#reserved += limit;
    const rows = await this.#parts.table.claim(limit).finally(() => {
      this.#reserved -= limit;
    });
    this.#hungry = rows.length === limit;
    for (const row of rows) void this.#publish(row);
  }

  /** Releases no more rows than this relay has room for. True if there may be more to release. */
  async #retryReturned(): Promise<boolean> {
    if (!this.#able || this.#returnedCount === 0 || this.#room < mostPerClaim) return false;
    for (const row of await this.#returned.claimOneOfEach()) void this.#publish(row);
    return this.#returned.releaseTaken(mostPerClaim);
  }

  /**
   * Not with each of the quick polls that follow one another while there is much to do, and for a twentieth of the
   * time at most: while very much waits, that takes a while.
   */
  async #count(): Promise<void> {
    const { limits, table } = this.#parts;
    const began = Date.now();
    if (began < this.#countDueAt) return;
    const { unpublished, parked, returned } = await table.count(limits.maxBacklog + 1);
    this.#backlog = unpublished;
    this.#parked = parked;
    this.#returnedCount = returned;
    this.#countDueAt = began + Math.max(limits.pollMs / 2, 20 * (Date.now() - began));
  }
}

const mostPerClaim = 500;
/** Late events cost an id each; beyond this multiple of the capacity nothing new is taken. */
const lateFactor = 10;
