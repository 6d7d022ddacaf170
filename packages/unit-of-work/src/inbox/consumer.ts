import { type DomainEvent, PermanentError, replayMessageOf } from '@warren/contracts';
import type { Delivery, Subscription, Verdict } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { Cause, EventHandler, RawClient } from '../api.js';
import { isOutage } from '../failures.js';
import type { Effects } from '../transaction/effects.js';
import type { Transactor } from '../transaction/transactor.js';
import { joinTx } from '../transaction/tx.js';
import type { Decoder } from './decode.js';
import { openBatch } from './inbox.js';
import type { Suspects } from './suspects.js';

export interface ConsumerParts<Db extends RawClient> {
  /** The service's name: also whose inbox it is. */
  service: string;
  handlers: readonly EventHandler<Db>[];
  decode: Decoder;
  transactor: Transactor<Db>;
  suspects: Suspects;
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
  /** Handled alone, since whoever had them before may have crashed on them. */
  suspected: number;
  /** Given up, since everyone crashed on them. */
  crashLoops: number;
}

export interface Consumer extends Pick<Subscription, 'handle' | 'probe'> {
  readonly stats: ConsumerStats;
  /** When a part of a replay was last handled, in epoch milliseconds; 0: never. */
  lastReplayed(): number;
}

/**
 * Handles deliveries in batches, one transaction each. If anything fails, the batch is rolled back and its
 * events run again one by one: one bad event fails alone, and that rerun is no attempt.
 *
 * What comes again without an answer from whoever had it is handled alone, and named before: see `Suspects`.
 */
export function createConsumer<Db extends RawClient>(parts: ConsumerParts<Db>): Consumer {
  const { service, decode, transactor, suspects, probe, log } = parts;
  const handlers = byType(parts.handlers);
  const stats: ConsumerStats = {
    handled: 0,
    duplicates: 0,
    retried: 0,
    dead: 0,
    split: 0,
    replayed: 0,
    suspected: 0,
    crashLoops: 0,
  };
  let lastReplayed = 0;

  async function handle(batch: readonly Delivery[]): Promise<Verdict[]> {
    await suspects.settle();
    const decoded = batch.map(decode);
    const events = new Map<string, DomainEvent>();
    const suspected = new Map<string, DomainEvent>();
    for (const [index, each] of decoded.entries()) {
      if (each.ok) (batch[index]?.redelivered ? suspected : events).set(keyOf(each.event), each.event);
    }
    for (const key of suspected.keys()) events.delete(key);
    const verdicts = await handleAll([...events.values()].sort(bySubject));
    for (const [key, event] of suspected) verdicts.set(key, await handleSuspect(event));
    for (const [key, verdict] of verdicts) if (isCrashLoop(verdict)) suspects.givenUp(key);
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
      if (await isOutage(error, probe)) throw error;
      stats.split += 1;
      log.info({ err: error, events: events.length }, 'a batch failed; handling its events one by one');
      return false;
    }
  }

  /** An outage is no crash: this process lives, so its name goes away as soon as the database is back. */
  async function handleSuspect(event: DomainEvent): Promise<Verdict> {
    const key = keyOf(event);
    try {
      if (!(await suspects.name(key))) return await giveUp(event);
      stats.suspected += 1;
      const verdict = await handleAlone(event, key);
      if (verdict.kind !== 'done') await suspects.forget(key);
      return verdict;
    } catch (error) {
      suspects.interrupted(key);
      throw error;
    }
  }

  /** The names stay until the bus has carried this out: a crash on another message must not make all begin anew. */
  async function giveUp(event: DomainEvent): Promise<Verdict> {
    if (!isReplayed(event) && (await suspects.isHandled(event.id))) {
      await suspects.forget(keyOf(event));
      return done;
    }
    const error = new PermanentError('Each time it was handled, the process ended before it was finished');
    return { kind: 'dead', reason: 'crash-loop', error };
  }

  /** `named`: the suspect that it is. */
  async function handleAlone(event: DomainEvent, named?: string): Promise<Verdict> {
    try {
      await transactor.persist(async (db, effects) => {
        await apply(db, effects, [event]);
        if (named !== undefined) effects.marks.finished = { consumer: service, suspect: named };
      });
      return done;
    } catch (error) {
      if (await isOutage(error, probe)) throw error;
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

  function count(verdict: Verdict, delivery: Delivery | undefined): void {
    if (verdict.kind === 'done') {
      stats.handled += 1;
      return;
    }
    stats[verdict.kind === 'dead' ? 'dead' : 'retried'] += 1;
    if (isCrashLoop(verdict)) stats.crashLoops += 1;
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

const isCrashLoop = (verdict: Verdict): boolean => verdict.kind === 'dead' && verdict.reason === 'crash-loop';

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
