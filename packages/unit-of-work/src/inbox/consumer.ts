import { setTimeout as sleep } from 'node:timers/promises';
import { type DomainEvent, PermanentError } from '@warren/contracts';
import type { Delivery, HandleOptions, Subscription, Verdict } from '@warren/event-bus';
import { jittered } from '@warren/timing';
import type { Logger } from 'pino';
import type { EventHandler, RawClient, Tx } from '../api.js';
import { SourceEpochs } from '../epoch/epochs.js';
import { isLockTimeout } from '../failures.js';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import type { Transactor } from '../transaction/transactor.js';
import { Blame } from './blame.js';
import type { Decoder } from './decoder.js';
import { type ConsumerStats, createStats, isCrashLoop } from './stats.js';
import type { Suspects } from './suspects.js';
import { createWork, isReplayed, UsersLocked, type WorkDone, type WorkOptions } from './work.js';

export interface ConsumerParts<Db extends RawClient> {
  /** The name of the service, whose inbox it is. */
  service: string;
  handlers: readonly EventHandler<Tx<Db>>[];
  decode: Decoder;
  transactor: Transactor<Db>;
  schema: Schema;
  suspects: Suspects;
  /** Commits a transaction that writes; rejects if that fails. */
  probe(): Promise<void>;
  /** Called when a source of copies began an epoch, so that its copy was marked as incomplete. */
  onRisen(): void;
  limits: Pick<Limits, 'lockWaitMs'>;
  log: Logger;
}

export interface Consumer extends Pick<Subscription, 'handle' | 'probe'> {
  readonly stats: ConsumerStats;
  /** When a part of a replay was last handled, in epoch milliseconds. 0: never. */
  lastReplayed(): number;
}

/** How long the other events of a call wait for locks at most after one has waited without success. */
const shortLockWaitMs = 100;
/** The pause before the work is retried after a failure that may have been a coincidence. */
const secondTryMs = 100;

/**
 * Handles deliveries in batches, with one transaction for each batch. If anything fails, the batch is rolled back and its
 * events are handled one by one, so that a bad event fails alone. That doesn't count as another attempt.
 *
 * An event whose locks other transactions hold gets the verdict `busy`, and the rest of the batch commits. `Blame` judges
 * failures that look like an outage of the database.
 *
 * A redelivered message may have crashed the process that had it. It is handled alone; see `Suspects`.
 */
export function createConsumer<Db extends RawClient>(parts: ConsumerParts<Db>): Consumer {
  const { service, schema, decode, transactor, suspects, probe, limits, log } = parts;
  const sources = new SourceEpochs(schema);
  const work = createWork(service, schema, parts.handlers, sources);
  const blame = new Blame(probe);
  const { stats, ...counter } = createStats(log);

  async function handle(
    batch: readonly Delivery[],
    { patient = false }: HandleOptions = {},
  ): Promise<Verdict[]> {
    await suspects.flush();
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
    for (const [key, verdict] of verdicts) if (isCrashLoop(verdict)) suspects.clearLater(key);
    blame.clear([...events.keys(), ...suspected.keys()]);
    return decoded.map((each, index) => {
      const verdict = each.ok ? (verdicts.get(keyOf(each.event)) ?? done) : each.verdict;
      counter.decided(verdict, batch[index]);
      return verdict;
    });
  }

  async function handleAll(
    events: readonly DomainEvent[],
    options: WorkOptions,
  ): Promise<Map<string, Verdict>> {
    const verdicts = new Map<string, Verdict>();
    if (events.length > 1 && !blame.hasAny(events.map(keyOf))) {
      const busy = await handleTogether(events, options);
      if (busy) {
        for (const event of busy) verdicts.set(keyOf(event), usersAreLocked);
        return verdicts;
      }
    }
    for (const event of blamedLast(events)) verdicts.set(keyOf(event), await handleAlone(event, options));
    return verdicts;
  }

  /** Resolves to the events that are busy, or to undefined if the batch failed. */
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
      if (error instanceof UsersLocked && patientFor) {
        const others = events.filter((event) => event !== patientFor);
        const busy = await handleTogether(others, { ...options, patientFor: undefined });
        return busy && [patientFor, ...busy];
      }
      if (isLockTimeout(error)) options.lockWaitMs = shortLockWaitMs;
      else if ((await blame.judge(error, begun)) === 'outage') {
        if (begun) blame.addOutage(events.map(keyOf), error);
        throw error;
      }
      stats.split += 1;
      log.info({ err: error, events: events.length }, 'a batch failed; handling its events one by one');
      return undefined;
    }
  }

  /** Events with the most strikes come last, so that the others commit before the database may go away again. */
  function blamedLast(events: readonly DomainEvent[]): DomainEvent[] {
    return events.toSorted((a, b) => blame.strikesOf(keyOf(a)) - blame.strikesOf(keyOf(b)));
  }

  /** If the database is away, this process did not crash: its mark is removed when the database is back. */
  async function handleSuspect(event: DomainEvent, options: WorkOptions): Promise<Verdict> {
    const key = keyOf(event);
    try {
      if (!(await suspects.mark(key))) return await giveUp(event);
      stats.suspected += 1;
      const verdict = await handleAlone(event, options, key);
      if (verdict.kind === 'busy') await suspects.unmark(key);
      else if (verdict.kind !== 'done') await suspects.clear(key);
      return verdict;
    } catch (error) {
      suspects.unmarkLater(key);
      throw error;
    }
  }

  /** The marks stay until the bus has carried this verdict out, so that a crash on another message doesn't lose them. */
  async function giveUp(event: DomainEvent): Promise<Verdict> {
    if (!isReplayed(event) && (await suspects.isHandled(event.id))) {
      await suspects.clear(keyOf(event));
      return done;
    }
    const error = new PermanentError('each process that handled this message ended before it finished');
    return { kind: 'dead', reason: 'crash-loop', error };
  }

  async function handleAlone(event: DomainEvent, options: WorkOptions, suspect?: string): Promise<Verdict> {
    const key = keyOf(event);
    const guilty = blame.verdictOn(key);
    if (guilty) return failed(guilty.error);
    for (let isSecondTry = false; ; isSecondTry = true) {
      let begun = false;
      try {
        const worked = await transactor.persist(async (db, effects) => {
          begun = true;
          const outcome = await work(db, effects, [event], optionsFor([event], options));
          if (suspect !== undefined && outcome.busy.length === 0)
            effects.marks.finished = { consumer: service, suspect };
          return outcome;
        });
        committed(worked);
        return worked.busy.length > 0 ? usersAreLocked : done;
      } catch (error) {
        if (error instanceof UsersLocked) return usersAreLocked;
        if (isLockTimeout(error)) {
          options.lockWaitMs = shortLockWaitMs;
          return { kind: 'busy', error: asError(error) };
        }
        const judgement = await blame.judge(error, begun);
        if (judgement === 'outage') {
          if (begun) blame.addOutage([key], error);
          throw error;
        }
        if (judgement === 'own' || isSecondTry) return failed(error);
        log.info({ err: error, id: event.id }, 'the database is available; handling the event a second time');
        await sleep(jittered(secondTryMs));
      }
    }
  }

  function committed(worked: WorkDone): void {
    counter.committed(worked);
    if (worked.risen.size === 0) return;
    sources.remember(worked.risen);
    parts.onRisen();
  }

  return { handle, probe, stats, lastReplayed: counter.lastReplayed };
}

const done: Verdict = { kind: 'done' };

const usersAreLocked: Verdict = {
  kind: 'busy',
  error: new Error('other transactions hold the locks of its users'),
};

function failed(error: unknown): Verdict {
  if (error instanceof PermanentError) return { kind: 'dead', reason: 'permanent', error };
  return { kind: 'retry', error: asError(error) };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** The same event may arrive live and as a part of a replay. */
function keyOf({ id, replayid }: DomainEvent): string {
  return replayid === undefined ? id : `${id} ${replayid}`;
}

/** All batches have the same order, so that they lock rows of the same entities in the same order. */
function bySubject(a: DomainEvent, b: DomainEvent): number {
  if (a.subject !== b.subject) return a.subject < b.subject ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

/** Keeps `patientFor` only if it is among these events. */
function optionsFor(events: readonly DomainEvent[], { patientFor, lockWaitMs }: WorkOptions): WorkOptions {
  return { lockWaitMs, ...(patientFor && events.includes(patientFor) && { patientFor }) };
}
