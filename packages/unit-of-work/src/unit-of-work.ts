import type { ServiceContract } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type {
  EventHandler,
  FeedEntry,
  FeedReader,
  RawClient,
  SnapshotSource,
  TransactionalClient,
  Tx,
  UnitOfWork,
} from './api.js';
import { createEntrance } from './entrance.js';
import type { EntityEpoch } from './epoch/epochs.js';
import { EpochWatch } from './epoch/watch.js';
import { createFeedReader } from './feed/reader.js';
import { type Consumer, createConsumer } from './inbox/consumer.js';
import { createDecoder } from './inbox/decoder.js';
import { createQueueWatch } from './inbox/queue-watch.js';
import type { ConsumerStats } from './inbox/stats.js';
import { createSuspects, type Suspects } from './inbox/suspects.js';
import { type Limits, withDefaults } from './limits.js';
import { createOnce } from './once/once.js';
import { Relay, type RelayStats } from './outbox/relay.js';
import { createOutboxTable } from './outbox/table.js';
import { CatchUp, copiedSources } from './replay/catch-up.js';
import { replayHandlers } from './replay/handlers.js';
import { createReplayJobs } from './replay/jobs.js';
import { createPages } from './replay/pages.js';
import { ReplayRunner } from './replay/runner.js';
import { Retention, type RetentionStats } from './retention/retention.js';
import { Schema } from './schema/schema.js';
import { createSerializer } from './transaction/serializer.js';
import { createTransactor } from './transaction/transactor.js';

export interface UnitOfWorkOptions<Db extends RawClient, C extends ServiceContract = ServiceContract> {
  /** Its `service` is the events' source, and names the queue and the inbox. */
  contract: C;
  /** Runs the transactions of handlers. */
  client: TransactionalClient<Db>;
  /** A pool to the same database, for everything outside of handlers' transactions, such as the relay and reads of feeds. */
  pool: Pool;
  /** The schema of the kit's tables, as given to `migrateMessaging`. Default `messaging`. */
  schema?: string;
  log: Logger;
  bus: EventBus;
  limits?: Partial<Limits>;
  /** Decides which rows are old. Default: the database's clock. */
  clock?: () => Date;
}

/** The unit of work of a service, with its relay, consumer, replays and retention. */
export interface Messaging<Db extends RawClient, C extends ServiceContract = ServiceContract> {
  uow: UnitOfWork<Db, C>;
  feeds: FeedReader;
  /** Adds a listener that is called after each commit with its feed entries, in order. It must not block. */
  onCommitted(listener: (entries: FeedEntry[]) => void): void;
  /** Starts the relay, consuming, replays and retention. Throws if the contract does not emit the type of a snapshot. */
  start(options: StartOptions<Db, C>): Promise<void>;
  /**
   * Stops replays and retention, then the relay, which publishes what it has claimed. Close the subscriptions of the bus
   * before, and the bus itself after.
   */
  stop(): Promise<void>;
  stats(): MessagingStats;
}

export interface StartOptions<Db extends RawClient, C extends ServiceContract = ServiceContract> {
  /** What is consumed follows from these. */
  handlers: readonly EventHandler<Tx<Db, C>>[];
  /** Sources of the present state of entities, for services whose copies start late. */
  snapshots?: readonly SnapshotSource<Db, C>[];
}

export interface MessagingStats {
  relay: RelayStats;
  /** Missing until `start`. */
  consumer: ConsumerStats | undefined;
  /** How many copies of other services' entities are incomplete. */
  copiesMissing: number;
  /** How many producers still have to send what a lost queue may have held. */
  recovering: number;
  retention: RetentionStats;
}

/** Needs `migrateMessaging` to have run on the database. */
export function createUnitOfWork<Db extends RawClient, const C extends ServiceContract>(
  options: UnitOfWorkOptions<Db, C>,
): Messaging<Db, C> {
  const { client, pool, bus } = options;
  // From here on event types are plain strings: what handlers publish and feed is checked against the schemas.
  const contract: ServiceContract = options.contract;
  const { service } = contract;
  const schema = new Schema(options.schema);
  const limits = withDefaults(options.limits);
  const log = options.log.child({ part: 'unit-of-work' });
  const { onCommitted, committed } = createListeners(log);
  const table = createOutboxTable(pool, schema, limits);
  const relay = new Relay({ table, bus, keptTypes: keptTypesOf(contract), limits, log });
  const serializer = createSerializer(contract);
  const epoch: EntityEpoch = { current: 0 };
  const epochWatch = new EpochWatch({ pool, schema, epoch, onBegun: () => catchUp?.wake(), limits, log });
  const transactor = createTransactor({ client, schema, serializer, epoch, relay, limits, log, committed });
  const probe = () => probeDatabase(client, schema, limits);
  let consumer: Consumer | undefined;
  let catchUp: CatchUp | undefined;
  let runner: ReplayRunner | undefined;
  let suspects: Suspects | undefined;
  const { clock } = options;
  const retention = new Retention({ pool, schema: schema.name, limits, log, ...(clock && { clock }) });

  return {
    uow: createEntrance({
      client,
      pool,
      schema,
      transactor,
      relay,
      once: createOnce({ transactor, errors: contract.errors ?? {}, pool, schema, log }),
      probe,
      limits,
    }) as UnitOfWork<Db, C>,
    feeds: createFeedReader(pool, schema),
    onCommitted,

    async start(given) {
      const { handlers, snapshots = [] } = given as StartOptions<Db>;
      const types = new Set(handlers.map((handler) => handler.type));
      for (const { type } of snapshots) {
        if (!Object.hasOwn(contract.emits, type))
          throw new Error(`${service} has a snapshot of ${type}, which its contract does not emit`);
      }
      await epochWatch.start();
      const snapshotTypes = snapshots.map(({ type }) => type);
      const allHandlers = [...handlers, ...replayHandlers(schema, snapshotTypes)];
      relay.start();
      suspects = createSuspects(pool, schema, service, limits.crashTries);
      consumer = createConsumer({
        service,
        handlers: allHandlers,
        decode: createDecoder(allHandlers, contract),
        transactor,
        schema,
        suspects,
        probe,
        onRisen: () => catchUp?.wake(),
        limits,
        log,
      });
      const { batchSize, prefetch } = limits;
      const { handle, lastReplayed } = consumer;
      const onWhole = () => catchUp?.wake();
      const watch = createQueueWatch({ service, types, pool, schema, onWhole, limits, log });
      await bus.subscribe({ service, types: [...types], batchSize, prefetch, handle, probe, watch });

      const pages = createPages({ pool, schema, client, serializer, snapshots, limits });
      runner = new ReplayRunner({ service, jobs: createReplayJobs(pool, schema), pages, bus, limits, log });
      runner.start();
      const sources = copiedSources(service, handlers);
      catchUp = new CatchUp({ service, sources, pool, schema, bus, lastReplayed, limits, log });
      catchUp.start();
      retention.start();
    },

    async stop() {
      await Promise.all([epochWatch.stop(), catchUp?.stop(), runner?.stop(), retention.stop()]);
      await suspects
        ?.flush()
        .catch((error: unknown) => log.warn({ err: error }, 'marks of suspects could not be removed'));
      await relay.stop();
    },

    stats: () => ({
      relay: relay.stats,
      consumer: consumer && { ...consumer.stats },
      copiesMissing: catchUp?.missing ?? 0,
      recovering: catchUp?.recovering ?? 0,
      retention: retention.stats,
    }),
  };
}

/** An event of any other type that is unroutable counts as published. */
function keptTypesOf({ emits, discardable = [] }: ServiceContract): Set<string> {
  return new Set(Object.keys(emits).filter((type) => !discardable.includes(type)));
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

/** Checks the database with a write, so that it also fails on a full disk or a standby. */
async function probeDatabase<Db extends RawClient>(
  client: TransactionalClient<Db>,
  schema: Schema,
  limits: Limits,
): Promise<void> {
  await client.$transaction(
    (db) => db.$queryRawUnsafe(`UPDATE ${schema}.meta SET one = true RETURNING 1 AS ok`),
    {
      maxWait: limits.maxWaitMs,
      timeout: limits.transactionMs,
    },
  );
}
