import type { ServiceContract } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type {
  EventHandler,
  FeedEntry,
  FeedReader,
  RawClient,
  TransactionalClient,
  UnitOfWork,
} from './api.js';
import { createDoor } from './door.js';
import { createFeedReader } from './feed/reader.js';
import { type Consumer, type ConsumerStats, createConsumer } from './inbox/consumer.js';
import { createDecoder } from './inbox/decode.js';
import { type Limits, withDefaults } from './limits.js';
import { createOnce } from './once/once.js';
import { Relay, type RelayStats } from './outbox/relay.js';
import { createOutboxTable } from './outbox/table.js';
import { createLanguage } from './transaction/language.js';
import { createTransactor } from './transaction/transactor.js';

export interface UnitOfWorkOptions<Db extends RawClient> {
  /** The service's name: its events' source, its queue and its inbox. */
  service: string;
  contract: ServiceContract;
  /** Contracts of the services whose events are consumed. */
  contracts?: readonly ServiceContract[];
  /** Runs the transactions of handlers. */
  client: TransactionalClient<Db>;
  /** For everything outside of handlers' transactions: relay, feed reads, refusals. To the same database. */
  pool: Pool;
  log: Logger;
  bus: EventBus;
  limits?: Partial<Limits>;
}

/** What a service does in its database and tells others, and the machinery behind it. */
export interface Messaging<Db extends RawClient> {
  uow: UnitOfWork<Db>;
  feeds: FeedReader;
  /** Called after each commit that wrote feed entries, with theirs in order. Must not block. */
  onCommitted(listener: (entries: FeedEntry[]) => void): void;
  /** Starts the relay, and consuming if there are handlers. Throws if a handler has no contract. */
  start(options: { handlers: readonly EventHandler<Db>[] }): Promise<void>;
  /** Stops the relay: flushes what it has claimed. Close the bus's subscriptions before, the bus itself after. */
  stop(): Promise<void>;
  stats(): MessagingStats;
}

export interface MessagingStats {
  relay: RelayStats;
  /** Missing where nothing is consumed. */
  consumer: ConsumerStats | undefined;
}

/** Needs `migrateMessaging` to have run on the database. */
export function createUnitOfWork<Db extends RawClient>(options: UnitOfWorkOptions<Db>): Messaging<Db> {
  const { service, contract, client, pool, bus } = options;
  const contracts = [contract, ...(options.contracts ?? [])];
  const limits = withDefaults(options.limits);
  const log = options.log.child({ part: 'unit-of-work' });
  const { onCommitted, committed } = createListeners(log);
  const relay = new Relay({ table: createOutboxTable(pool, limits.leaseMs), bus, limits, log });
  const language = createLanguage(contract);
  const transactor = createTransactor({ client, language, relay, limits, log, committed });
  let consumer: Consumer | undefined;

  return {
    uow: createDoor({ client, transactor, relay, once: createOnce({ transactor, pool, log }), limits }),
    feeds: createFeedReader(pool),
    onCommitted,

    async start({ handlers }) {
      const types = new Set(handlers.map((handler) => handler.type));
      for (const type of types) {
        if (!contract.consumes.includes(type))
          throw new Error(`${service} does not state that it consumes ${type}`);
      }
      const decode = createDecoder(types, contracts);
      relay.start();
      if (types.size === 0) return;
      const probe = () => probeDatabase(client, limits);
      consumer = createConsumer({ service, handlers, decode, transactor, probe, log });
      const { batchSize, prefetch } = limits;
      const { handle } = consumer;
      await bus.subscribe({ service, types: [...types], batchSize, prefetch, handle, probe });
    },

    stop: () => relay.stop(),

    stats: () => ({ relay: relay.stats, consumer: consumer && { ...consumer.stats } }),
  };
}

function createListeners(log: Logger) {
  const listeners: ((entries: FeedEntry[]) => void)[] = [];
  return {
    onCommitted(listener: (entries: FeedEntry[]) => void): void {
      listeners.push(listener);
    },
    /** The commit stands, whatever a listener does. */
    committed(entries: FeedEntry[]): void {
      for (const listener of listeners) {
        try {
          listener(entries);
        } catch (error) {
          log.error({ err: error }, 'a listener for committed feed entries failed');
        }
      }
    },
  };
}

/** Writes and commits, so that it also fails on a full disk or a standby. */
async function probeDatabase<Db extends RawClient>(
  client: TransactionalClient<Db>,
  limits: Limits,
): Promise<void> {
  await client.$transaction(
    (db) => db.$queryRawUnsafe('UPDATE messaging.meta SET one = true RETURNING 1 AS ok'),
    {
      maxWait: limits.maxWaitMs,
      timeout: limits.transactionMs,
    },
  );
}
