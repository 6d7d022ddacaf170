import { type DomainEvent, PermanentError, replayMessageOf } from '@warren/contracts';
import type { Delivery, Subscription, Verdict } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { Cause, EventHandler, RawClient } from '../api.js';
import { isInfrastructure, mayBeInfrastructure } from '../failures.js';
import type { Effects } from '../transaction/effects.js';
import type { Transactor } from '../transaction/transactor.js';
import { joinTx } from '../transaction/tx.js';
import type { Decoder } from './decode.js';
import { openBatch } from './inbox.js';

export interface ConsumerParts<Db extends RawClient> {
  /** The service's name: also whose inbox it is. */
  service: string;
  handlers: readonly EventHandler<Db>[];
  decode: Decoder;
  transactor: Transactor<Db>;
  /** Commits a real transaction that writes, or rejects. */
  probe(): Promise<void>;
  log: Logger;
}

export interface ConsumerStats {
  handled: number;
  duplicates: number;
  retried: number;
  dead: number;
  /** Of those handled, parts of a replay. */
  replayed: number;
  /** Batches that failed as a whole and ran again one by one. */
  split: number;
}

export interface Consumer extends Pick<Subscription, 'handle' | 'probe'> {
  readonly stats: ConsumerStats;
  /** When a part of a replay was last handled, in epoch milliseconds; 0: never. */
  lastReplayed(): number;
}

/**
 * Handles deliveries in batches, one transaction each. If anything fails, the batch is rolled back and its
 * events run again one by one: one bad event fails alone, and that rerun is no attempt.
 */
export function createConsumer<Db extends RawClient>(parts: ConsumerParts<Db>): Consumer {
  const { service, decode, transactor, probe, log } = parts;
  const handlers = byType(parts.handlers);
  const stats: ConsumerStats = { handled: 0, duplicates: 0, retried: 0, dead: 0, split: 0, replayed: 0 };
  let lastReplayed = 0;

  async function handle(batch: readonly Delivery[]): Promise<Verdict[]> {
    const decoded = batch.map(decode);
    const events = new Map<string, DomainEvent>();
    for (const each of decoded) if (each.ok) events.set(keyOf(each.event), each.event);
    const verdicts = await handleAll([...events.values()].sort(bySubject));
    return decoded.map((each, index) => {
      const verdict = each.ok ? (verdicts.get(keyOf(each.event)) ?? done) : each.verdict;
      count(verdict, batch[index]);
      return verdict;
    });
  }

  async function handleAll(events: readonly DomainEvent[]): Promise<Map<string, Verdict>> {
    if (events.length === 0) return new Map();
    if (events.length > 1 && (await succeedsTogether(events))) return new Map();
    const verdicts = new Map<string, Verdict>();
    for (const event of events) verdicts.set(keyOf(event), await handleAlone(event));
    return verdicts;
  }

  async function succeedsTogether(events: readonly DomainEvent[]): Promise<boolean> {
    try {
      await transactor.transact((db, effects) => apply(db, effects, events));
      return true;
    } catch (error) {
      if (await isOutage(error)) throw error;
      stats.split += 1;
      log.info({ err: error, events: events.length }, 'a batch failed; handling its events one by one');
      return false;
    }
  }

  async function handleAlone(event: DomainEvent): Promise<Verdict> {
    try {
      await transactor.persist((db, effects) => apply(db, effects, [event]));
      return done;
    } catch (error) {
      if (await isOutage(error)) throw error;
      if (error instanceof PermanentError) return { kind: 'dead', reason: 'permanent', error };
      return { kind: 'retry', error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  async function apply(db: Db, effects: Effects, events: readonly DomainEvent[]): Promise<void> {
    const live = events.filter((event) => !isReplayed(event)).map((event) => event.id);
    const handled = await openBatch(db, service, live, events.flatMap(usersOf));
    stats.duplicates += handled.size;
    for (const event of events) {
      if (handled.has(event.id) && !isReplayed(event)) continue;
      const tx = joinTx(db, effects.causedBy(causeOf(event)));
      for (const handler of handlersOf(event)) await handler.handle(tx, event);
    }
    const eventIds = live.filter((id) => !handled.has(id));
    if (eventIds.length > 0) effects.marks.inbox = { consumer: service, eventIds };
    noteReplayed(events.length - live.length);
  }

  /** A replay repeats what an event says, never what it once caused. */
  function handlersOf(event: DomainEvent): EventHandler<Db>[] {
    const all = handlers.get(replayMessageOf(event.type) ?? event.type) ?? [];
    return isReplayed(event) ? all.filter(({ kind }) => kind === 'project') : all;
  }

  function usersOf(event: DomainEvent): string[] {
    return handlersOf(event).flatMap((handler) => [...(handler.users?.(event) ?? [])]);
  }

  function noteReplayed(count: number): void {
    if (count === 0) return;
    stats.replayed += count;
    lastReplayed = Date.now();
  }

  /** A failed connection may be one of the handler's own, to anything: then the database still works. */
  async function isOutage(error: unknown): Promise<boolean> {
    if (isInfrastructure(error)) return true;
    if (!mayBeInfrastructure(error)) return false;
    return probe().then(
      () => false,
      () => true,
    );
  }

  function count(verdict: Verdict, delivery: Delivery | undefined): void {
    if (verdict.kind === 'done') {
      stats.handled += 1;
      return;
    }
    stats[verdict.kind === 'dead' ? 'dead' : 'retried'] += 1;
    const { id, type, attempt } = delivery ?? {};
    const reason = verdict.kind === 'dead' ? verdict.reason : 'retry';
    log.warn({ err: verdict.error, id, type, attempt, reason }, 'an event could not be handled');
  }

  return { handle, probe, stats, lastReplayed: () => lastReplayed };
}

const done: Verdict = { kind: 'done' };

/** The same event may come live and, beside it, as part of a replay. */
function keyOf({ id, replayid }: DomainEvent): string {
  return replayid === undefined ? id : `${id} ${replayid}`;
}

const isReplayed = ({ replayid }: DomainEvent): boolean => replayid !== undefined;

function byType<Db>(handlers: readonly EventHandler<Db>[]): Map<string, EventHandler<Db>[]> {
  const types = new Map<string, EventHandler<Db>[]>();
  for (const handler of handlers) types.set(handler.type, [...(types.get(handler.type) ?? []), handler]);
  return types;
}

/** One order for all batches, so that rows of the same entities are locked in the same order. */
function bySubject(a: DomainEvent, b: DomainEvent): number {
  if (a.subject !== b.subject) return a.subject < b.subject ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function causeOf({ correlationid, id, traceparent }: DomainEvent): Cause {
  return { correlationId: correlationid, causationId: id, ...(traceparent !== undefined && { traceparent }) };
}
