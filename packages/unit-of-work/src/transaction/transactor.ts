import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { FeedEntry, RawClient, TransactionalClient } from '../api.js';
import type { EntityEpoch } from '../epoch/epochs.js';
import { isRerunnable } from '../failures.js';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import { Effects } from './effects.js';
import { eraseUsers } from './erase.js';
import { commitEffects } from './final-statement.js';
import type { Serializer } from './serializer.js';

/** Takes the events of a transaction after its commit. */
export interface CommittedEvents {
  /** Reserves room for `count` events. Each `true` must be followed by one `accept` or `release`. */
  reserve(count: number): boolean;
  /** The events have committed, claimed by this process. */
  accept(events: Effects['events']): void;
  /** The transaction failed. */
  release(count: number): void;
}

export interface TransactorParts<Db extends RawClient> {
  client: TransactionalClient<Db>;
  schema: Schema;
  serializer: Serializer;
  epoch: EntityEpoch;
  relay: CommittedEvents;
  limits: Limits;
  log: Logger;
  /** Called with feed entries after their commit. Must not throw. */
  committed(entries: FeedEntry[]): void;
}

/** Runs one transaction: first the work, then the statement that writes what it collected, together with the commit. */
export interface Transactor<Db extends RawClient> {
  transact<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T>;
  /** Like `transact`. Runs the work again after a deadlock, a serialization failure or a lost race, at most three times. */
  persist<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T>;
}

const maxReruns = 3;

export function createTransactor<Db extends RawClient>(parts: TransactorParts<Db>): Transactor<Db> {
  const { client, schema, serializer, epoch, relay, limits, log, committed } = parts;
  const options = { maxWait: limits.maxWaitMs, timeout: limits.transactionMs };

  async function transact<T>(work: (db: Db, effects: Effects) => Promise<T>): Promise<T> {
    // The effects of the latest run: the client may run the work again.
    let effects = new Effects(serializer, epoch.current);
    let claimed = 0;
    const giveUp = () => {
      effects.seal();
      if (claimed > 0) relay.release(claimed);
      claimed = 0;
    };
    const written = client.$transaction(async (db) => {
      giveUp();
      effects = new Effects(serializer, epoch.current);
      const value = await work(db, effects);
      effects.seal();
      const { events, erased } = effects;
      if (events.length > 0 && relay.reserve(events.length)) claimed = events.length;
      if (erased.size > 0) await eraseUsers(db, schema, erased);
      const claimMs = claimed > 0 ? limits.leaseMs : 0;
      return { value, entries: await commitEffects(db, schema, effects, epoch, claimMs) };
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
          if (reruns === maxReruns || !isRerunnable(error)) throw error;
          log.debug({ err: error, reruns }, 'the transaction lost against another one; running it again');
          await sleep(5 + Math.random() * 20 * 2 ** reruns);
        }
      }
    },
  };
}
