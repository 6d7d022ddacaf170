import { setTimeout as sleep } from 'node:timers/promises';
import { type DomainEvent, PermanentError } from '@warren/contracts';
import type { Delivery, HandleOptions, Subscription, Verdict } from '@warren/event-bus';
import type { Logger } from 'pino';
import type { EventHandler, RawClient } from '../api.js';
import { SourceEpochs } from '../epoch/epochs.js';
import { isLockTimeout } from '../failures.js';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import type { Transactor } from '../transaction/transactor.js';
import { Blame } from './blame.js';
import type { Decoder } from './decode.js';
import type { Suspects } from './suspects.js';
import { type ConsumerStats, createTally, isCrashLoop } from './tally.js';
import { createWork, InVain, isReplayed, type WorkDone, type WorkOptions } from './work.js';

export interface ConsumerParts<Db extends RawClient> {
  /** The service's name: also whose inbox it is. */
  service: string;
  handlers: readonly EventHandler<Db>[];
  decode: Decoder;
  transactor: Transactor<Db>;
  suspects: Suspects;
  /** Commits a real transaction that writes, or rejects. */
  probe(): Promise<void>;
  /** A source of copies began an epoch: its copy was marked as incomplete. */
  onRisen(): void;
  limits: Pick<Limits, 'lockWaitMs'>;
  log: Logger;
}

export interface Consumer extends Pick<Subscription, 'handle' | 'probe'> {
  readonly stats: ConsumerStats;
  /** When a part of a replay was last handled, in epoch milliseconds; 0: never. */
  lastReplayed(): number;
}

/** After one event has waited for a lock in vain, how long the others of the same call wait at most. */
const shortLockWaitMs = 100;
/** Before work runs again whose failure may have struck by chance. */
const secondTryMs = 100;

/**
 * Handles deliveries in batches, one transaction each. If anything fails, the batch is rolled back and its
 * events run again one by one: one bad event fails alone, and that rerun is no attempt.
 *
 * No event waits for another one's locks: those whose locks others hold are answered as `busy`, and the rest of
 * the batch commits. What looks like an outage is judged by `Blame`.
 *
 * What comes again without an answer from whoever had it is handled alone, and named before: see `Suspects`.
 */
export function createConsumer<Db extends RawClient>(parts: ConsumerParts<Db>): Consumer {
  const { service, decode, transactor, suspects, probe, limits, log } = parts;
  const sources = new SourceEpochs();
  const work = createWork(service, parts.handlers, sources);
  const blame = new Blame(probe);
  const tally = createTally(log);
  const { stats } = tally;

  async function handle(
    batch: readonly Delivery[],
    { patient = false }: HandleOptions = {},
  ): Promise<Verdict[]> {
    await suspects.settle();
    const decoded = batch.map(decode);
    const events = new Map<string, DomainEvent>();
    const suspected = new Map<string, DomainEvent>();
    for (const [index, each] of decoded.entries()) {
      if (each.ok) (batch[index]?.redelivered ? suspected : events).set(keyOf(each.event), each.event);
    }
    for (const key of suspected.keys()) events.delete(key);
    const [first] = decoded;
    const firstKey = patient && first?.ok ? keyOf(first.event) : '';
    const patientFor = events.get(firstKey) ?? suspected.get(firstKey);
    const options: WorkOptions = { patientFor, lockWaitMs: limits.lockWaitMs };
    const verdicts = await handleAll([...events.values()].sort(bySubject), options);
    for (const [key, event] of suspected) verdicts.set(key, await handleSuspect(event, options));
    for (const [key, verdict] of verdicts) if (isCrashLoop(verdict)) suspects.givenUp(key);
    blame.clear([...events.keys(), ...suspected.keys()]);
    return decoded.map((each, index) => {
      const verdict = each.ok ? (verdicts.get(keyOf(each.event)) ?? done) : each.verdict;
      tally.decided(verdict, batch[index]);
      return verdict;
    });
  }

  async function handleAll(
    events: readonly DomainEvent[],
    options: WorkOptions,
  ): Promise<Map<string, Verdict>> {
    const verdicts = new Map<string, Verdict>();
    if (events.length > 1 && !blame.isOnAny(events.map(keyOf))) {
      const busy = await handleTogether(events, options);
      if (busy) {
        for (const event of busy) verdicts.set(keyOf(event), usersAreLocked);
        return verdicts;
      }
    }
    for (const event of blamedLast(events)) verdicts.set(keyOf(event), await handleAlone(event, options));
    return verdicts;
  }

  /** Answers those that are busy, the others being handled; undefined if the batch failed. */
  async function handleTogether(
    events: readonly DomainEvent[],
    options: WorkOptions,
  ): Promise<DomainEvent[] | undefined> {
    let begun = false;
    try {
      const worked = await transactor.transact((db, effects) => {
        begun = true;
        return work(db, effects, events, optionsFor(events, options));
      });
      committed(worked);
      return worked.busy;
    } catch (error) {
      const { patientFor } = options;
      if (error instanceof InVain && patientFor) {
        const others = events.filter((event) => event !== patientFor);
        const busy = await handleTogether(others, { ...options, patientFor: undefined });
        return busy && [patientFor, ...busy];
      }
      if (isLockTimeout(error)) options.lockWaitMs = shortLockWaitMs;
      else if ((await blame.judge(error, begun)) === 'outage') {
        if (begun) blame.note(events.map(keyOf), error);
        throw error;
      }
      stats.split += 1;
      log.info({ err: error, events: events.length }, 'a batch failed; handling its events one by one');
      return undefined;
    }
  }

  /** Those last under which the database went away most often: the others then commit, whatever happens. */
  function blamedLast(events: readonly DomainEvent[]): DomainEvent[] {
    return events.toSorted((a, b) => blame.strikesOf(keyOf(a)) - blame.strikesOf(keyOf(b)));
  }

  /** An outage is no crash: this process lives, so its name goes away as soon as the database is back. */
  async function handleSuspect(event: DomainEvent, options: WorkOptions): Promise<Verdict> {
    const key = keyOf(event);
    try {
      if (!(await suspects.name(key))) return await giveUp(event);
      stats.suspected += 1;
      const verdict = await handleAlone(event, options, key);
      if (verdict.kind === 'busy') await suspects.withdraw(key);
      else if (verdict.kind !== 'done') await suspects.forget(key);
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
  async function handleAlone(event: DomainEvent, options: WorkOptions, named?: string): Promise<Verdict> {
    const key = keyOf(event);
    const guilty = blame.verdictOn(key);
    if (guilty) return failed(guilty.error);
    for (let isSecondTry = false; ; isSecondTry = true) {
      let begun = false;
      try {
        const worked = await transactor.persist(async (db, effects) => {
          begun = true;
          const outcome = await work(db, effects, [event], optionsFor([event], options));
          if (named !== undefined && outcome.busy.length === 0)
            effects.marks.finished = { consumer: service, suspect: named };
          return outcome;
        });
        committed(worked);
        return worked.busy.length > 0 ? usersAreLocked : done;
      } catch (error) {
        if (error instanceof InVain) return usersAreLocked;
        if (isLockTimeout(error)) {
          options.lockWaitMs = shortLockWaitMs;
          return { kind: 'busy', error: asError(error) };
        }
        const judgement = await blame.judge(error, begun);
        if (judgement === 'outage') {
          if (begun) blame.note([key], error);
          throw error;
        }
        if (judgement === 'own' || isSecondTry) return failed(error);
        log.info({ err: error, id: event.id }, 'the database is there; handling the event a second time');
        await sleep(jittered(secondTryMs));
      }
    }
  }

  function committed(worked: WorkDone): void {
    tally.worked(worked);
    if (worked.risen.size === 0) return;
    sources.remember(worked.risen);
    parts.onRisen();
  }

  return { handle, probe, stats, lastReplayed: tally.lastReplayed };
}

const done: Verdict = { kind: 'done' };

const usersAreLocked: Verdict = { kind: 'busy', error: new Error('Others hold the locks of its users') };

function failed(error: unknown): Verdict {
  if (error instanceof PermanentError) return { kind: 'dead', reason: 'permanent', error };
  return { kind: 'retry', error: asError(error) };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** The same event may come live and, beside it, as part of a replay. */
function keyOf({ id, replayid }: DomainEvent): string {
  return replayid === undefined ? id : `${id} ${replayid}`;
}

/** One order for all batches, so that rows of the same entities are locked in the same order. */
function bySubject(a: DomainEvent, b: DomainEvent): number {
  if (a.subject !== b.subject) return a.subject < b.subject ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** Patient only where the event is among these. */
function optionsFor(events: readonly DomainEvent[], { patientFor, lockWaitMs }: WorkOptions): WorkOptions {
  return { lockWaitMs, ...(patientFor && events.includes(patientFor) && { patientFor }) };
}
