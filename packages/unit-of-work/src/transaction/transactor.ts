import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { FeedEntry, RawClient, TransactionalClient } from '../api.js';
import type { EntityEpoch } from '../epoch/epochs.js';
import { isRerunnable } from '../failures.js';
import type { Limits } from '../limits.js';
import { Effects } from './effects.js';
import { eraseUsers } from './erase.js';
import { commitEffects } from './final-statement.js';
import type { Language } from './language.js';

/** Where the events of a transaction go when it has committed. */
export interface CommittedEvents {
  /** Room for `count` events; each `true` must be answered by one `accept` or `release`. */
  reserve(count: number): boolean;
  /** The events have committed, claimed by this process. */
  accept(events: Effects['events']): void;
  /** The transaction failed. */
  release(count: number): void;
}

export interface TransactorParts<Db extends RawClient> {
  client: TransactionalClient<Db>;
  language: Language;
  epoch: EntityEpoch;
  relay: CommittedEvents;
  limits: Limits;
  log: Logger;
  /** Hears of feed entries after their commit. Must not throw. */
  committed(entries: FeedEntry[]): void;
}

/** Runs one transaction: the work, then what it collected, then the commit, then the two ways out. */
export interface Transactor<Db extends RawClient> {
  transact<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T>;
  /** `transact`, again after a deadlock, a serialization failure or a lost race; at most three times. */
  persist<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T>;
}

const mostReruns = 3;

export function createTransactor<Db extends RawClient>(parts: TransactorParts<Db>): Transactor<Db> {
  const { client, language, epoch, relay, limits, log, committed } = parts;
  const options = { maxWait: limits.maxWaitMs, timeout: limits.transactionMs };

  async function transact<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T> {
    // Of the last run: the client may run the work again.
    let effects = new Effects(language, epoch.current);
    let claimed = 0;
    const giveUp = () => {
      effects.seal();
      if (claimed > 0) relay.release(claimed);
      claimed = 0;
    };
    const written = client.$transaction(async (db) => {
      giveUp();
      effects = new Effects(language, epoch.current);
      const value = await work(db, effects);
      effects.seal();
      const { events, erased } = effects;
      if (events.length > 0 && relay.reserve(events.length)) claimed = events.length;
      if (erased.size > 0) await eraseUsers(db, erased);
      const claimMs = claimed > 0 ? limits.leaseMs : 0;
      return { value, entries: await commitEffects(db, effects, epoch, claimMs) };
    }, options);
    const { value, entries } = await written.catch((error: unknown) => {
      giveUp();
      throw error;
    });
    if (claimed > 0) relay.accept(effects.events);
    if (entries.length > 0) committed(entries);
    return value;
  }

  return {
    transact,
    async persist(work) {
      for (let reruns = 0; ; reruns++) {
        try {
          return await transact(work);
        } catch (error) {
          if (reruns === mostReruns || !isRerunnable(error)) throw error;
          log.debug({ err: error, reruns }, 'transaction lost to another one; running it again');
          await sleep(5 + Math.random() * 20 * 2 ** reruns);
        }
      }
    },
  };
}
